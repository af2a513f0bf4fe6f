namespace Relay.Rendezvous;

internal static class RendezvousSetup
{
    public static IServiceCollection AddRendezvous(this IServiceCollection services, RendezvousOptions options) => services
        .AddSingleton(options)
        .AddSingleton<RendezvousStore>()
        .AddHostedService<RendezvousCleaner>()
        .AddSingleton<RendezvousHandler>();
}
