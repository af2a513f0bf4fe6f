using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Channels;

internal static class ChannelSetup
{
    public static IServiceCollection AddChannels(this IServiceCollection services, ChannelOptions options, bool isInCluster)
    {
        services
            .AddSingleton(options)
            .AddSingleton<ChannelDirectory>()
            .AddSingleton<StreamTable>()
            .AddSingleton<UpstreamQueue>()
            .AddSingleton<ChannelTable>()
            .AddSingleton<ChannelBus>()
            .AddSingleton<ChannelAnnouncer>()
            .AddSingleton<RemoteUpstream>()
            .AddSingleton<RemoteOwners>()
            .AddSingleton<ChannelSchedule>()
            .AddSingleton<OwnerQuestions>()
            .AddSingleton<RemoteChannels>()
            .AddSingleton<ClusterChannels>()
            .AddSingleton<UpstreamDelivery>()
            .AddPeriodic<UpstreamDelivery>(UpstreamDelivery.Interval, delivery => delivery.Sweep())
            .AddSingleton<ChannelHandler>()
            .AddSingleton<StreamHandler>()
            .AddSingleton<IMovable, ChannelsMove>()
            .AddSingleton<IStatistics, ChannelStatistics>();
        return isInCluster
            ? services
                .AddHostedService(provider => provider.GetRequiredService<ClusterChannels>())
                .AddPeriodic<RemoteChannels>(RemoteChannels.Interval, remote => remote.Sweep())
            : services;
    }
}
