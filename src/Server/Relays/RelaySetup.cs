namespace Relay.Relays;

internal static class RelaySetup
{
    public static IServiceCollection AddRelays(this IServiceCollection services, RelayOptions options) => services
        .AddSingleton(options)
        .AddSingleton<RelayRegistry>()
        .AddSingleton<RelayHandler>();
}
