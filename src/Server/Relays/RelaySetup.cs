using System.Security.Cryptography;
using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Relays;

internal static class RelaySetup
{
    public static IServiceCollection AddRelays(this IServiceCollection services, RelayOptions options, bool isInCluster)
    {
        services
            .AddSingleton(options)
            .AddSingleton(provider => new RelayRegistry(options, provider.GetRequiredService<TimeProvider>(), RandomNumberGenerator.Create(), isInCluster))
            .AddSingleton<RelayHandler>()
            .AddSingleton<IMovable, RelaysMove>()
            .AddSingleton<IStatistics, RelayStatistics>();
        return isInCluster
            ? services
                .AddSingleton<ClusterRelays>()
                .AddHostedService(provider => provider.GetRequiredService<ClusterRelays>())
                .AddPeriodic<ClusterRelays>(ClusterRelays.Interval, relays => relays.Publish())
            : services;
    }
}
