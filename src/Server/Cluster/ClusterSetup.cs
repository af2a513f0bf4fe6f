using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Cluster;

internal static class ClusterSetup
{
    public static IServiceCollection AddCluster(this IServiceCollection services, ClusterOptions options)
    {
        services
            .AddSingleton(options)
            .AddSingleton<ClusterNode>()
            .AddSingleton<ClusterSubjects>()
            .AddSingleton<ClusterConnection>()
            .AddSingleton<Questions>()
            .AddSingleton<ClusterBus>()
            .AddSingleton<ClusterNodes>()
            .AddSingleton<IStatistics, ClusterStatistics>();
        return options.IsOn
            ? services
                .AddHostedService(provider => provider.GetRequiredService<ClusterBus>())
                .AddHostedService<NodeSubscription>()
                .AddPeriodic<ClusterNodes>(ClusterNodes.SweepInterval, nodes => nodes.Sweep())
                .AddPeriodic<ClusterConnection>(ClusterConnection.RetryInterval, connection => connection.RetrySubscriptions())
                .AddPeriodic<Questions>(Questions.Interval, questions => questions.Sweep())
            : services;
    }
}
