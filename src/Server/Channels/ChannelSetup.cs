using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Channels;

internal static class ChannelSetup
{
    public static IServiceCollection AddChannels(this IServiceCollection services, ChannelOptions options) => services
        .AddSingleton(options)
        .AddSingleton<ChannelDirectory>()
        .AddSingleton<StreamTable>()
        .AddSingleton<UpstreamQueue>()
        .AddSingleton<ChannelTable>()
        .AddSingleton<UpstreamDelivery>()
        .AddPeriodic<UpstreamDelivery>(UpstreamDelivery.Interval, delivery => delivery.Sweep())
        .AddSingleton<ChannelHandler>()
        .AddSingleton<StreamHandler>()
        .AddSingleton<IStatistics, ChannelStatistics>();
}
