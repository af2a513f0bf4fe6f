using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Signaling;

internal static class SignalingSetup
{
    public static IServiceCollection AddSignaling(this IServiceCollection services, SignalingOptions options, bool isInCluster)
    {
        services
            .AddSingleton(options)
            .AddSingleton<PendingRequests>()
            .AddSingleton<PairRequestRate>()
            .AddSingleton<MatchTable>()
            .AddSingleton<RemoteRequests>()
            .AddSingleton<RemoteForwards>()
            .AddSingleton<RequestOutcomes>()
            .AddSingleton<PairingHandler>()
            .AddSingleton<SignalForwarder>()
            .AddSingleton<LinkHandler>()
            .AddSingleton<IMovable, SignalingMove>()
            .AddSingleton<RequestDeadline>()
            .AddPeriodic<RequestDeadline>(RequestDeadline.Interval, deadline => deadline.Sweep())
            .AddSingleton<ClusterSignals>()
            .AddSingleton<IStatistics, SignalingStatistics>();
        return isInCluster
            ? services
                .AddHostedService(provider => provider.GetRequiredService<ClusterSignals>())
                .AddPeriodic<RemoteRequests>(RemoteRequests.Interval, requests => requests.Sweep())
            : services;
    }
}
