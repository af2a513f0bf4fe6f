using System.Security.Cryptography;
using Relay.Telemetry;

namespace Relay.Relays;

internal static class RelaySetup
{
    public static IServiceCollection AddRelays(this IServiceCollection services, RelayOptions options) => services
        .AddSingleton(options)
        .AddSingleton(provider => new RelayRegistry(options, provider.GetRequiredService<TimeProvider>(), RandomNumberGenerator.Create()))
        .AddSingleton<RelayHandler>()
        .AddSingleton<IStatistics, RelayStatistics>();
}
