using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Signaling;

internal static class SignalingSetup
{
    public static IServiceCollection AddSignaling(this IServiceCollection services, SignalingOptions options) => services
        .AddSingleton(options)
        .AddSingleton<PendingRequests>()
        .AddSingleton<PairRequestRate>()
        .AddSingleton<MatchTable>()
        .AddSingleton<PairingHandler>()
        .AddSingleton<SignalForwarder>()
        .AddSingleton<LinkHandler>()
        .AddSingleton<RequestDeadline>()
        .AddPeriodic<RequestDeadline>(RequestDeadline.Interval, deadline => deadline.Sweep())
        .AddSingleton<IStatistics, SignalingStatistics>();
}
