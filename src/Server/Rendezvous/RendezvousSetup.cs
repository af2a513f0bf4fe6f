using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Rendezvous;

internal static class RendezvousSetup
{
    public static IServiceCollection AddRendezvous(this IServiceCollection services, RendezvousOptions options, bool isInCluster)
    {
        services
            .AddSingleton(options)
            .AddSingleton<RendezvousStore>()
            .AddSingleton<IMovable>(provider => provider.GetRequiredService<RendezvousStore>())
            .AddSingleton<RendezvousCleaner>()
            .AddHostedService(provider => provider.GetRequiredService<RendezvousCleaner>())
            .AddPeriodic<RendezvousCleaner>(options.CleanupInterval, (cleaner, stop) => cleaner.CleanAsync(stop))
            .AddSingleton<RendezvousHandler>()
            .AddSingleton<RemoteHolders>()
            .AddSingleton<IStatistics, RendezvousStatistics>();
        return isInCluster ? services.AddHostedService(provider => provider.GetRequiredService<RemoteHolders>()) : services;
    }
}
