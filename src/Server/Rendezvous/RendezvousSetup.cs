using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Rendezvous;

internal static class RendezvousSetup
{
    public static IServiceCollection AddRendezvous(this IServiceCollection services, RendezvousOptions options) => services
        .AddSingleton(options)
        .AddSingleton<RendezvousStore>()
        .AddSingleton<RendezvousCleaner>()
        .AddHostedService(provider => provider.GetRequiredService<RendezvousCleaner>())
        .AddPeriodic<RendezvousCleaner>(options.CleanupInterval, (cleaner, stop) => cleaner.CleanAsync(stop))
        .AddSingleton<RendezvousHandler>()
        .AddSingleton<IStatistics, RendezvousStatistics>();
}
