using Relay.Addresses;
using Relay.Cluster;
using Relay.Events;
using Relay.Memory;
using Relay.Policy;
using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Admission;

internal static class AdmissionSetup
{
    public static IServiceCollection AddAdmission(
        this IServiceCollection services, AdmissionOptions options, AutoBanOptions autoBan, OverloadOptions overload, int maxMessageBytes, ClusterOptions cluster) => services
        .AddClusterCounts(cluster)
        .AddSingleton(options)
        .AddSingleton(autoBan)
        .AddSingleton(overload)
        .AddSingleton(provider => new ConnectionLedger(
            provider.GetRequiredService<LimitPolicyStore>(),
            options,
            overload,
            provider.GetRequiredService<TimeProvider>(),
            remote: provider.GetRequiredService<RemoteCounts>()))
        .AddSingleton(new ProtectedNetworks(options.TrustedProxies))
        .AddSingleton<AutoBans>()
        .AddPeriodic<AutoBans>(AutoBans.Interval, bans => bans.Sweep())
        .AddSingleton<OverloadMonitor>()
        .AddPeriodic<OverloadMonitor>(OverloadMonitor.Interval, overload => overload.Sample())
        .AddSingleton(_ => MemoryBudget.Of(options.MemoryBudget, MemoryReading.Now().Limit, maxMessageBytes))
        .AddSingleton<MemoryCeiling>()
        .AddPeriodic<MemoryCeiling>(MemoryCeiling.Interval, memory => memory.Look(), atStart: true)
        .AddSingleton<DecisionLog>()
        .AddSingleton(new TrustedProxies(options.TrustedProxies))
        .AddSingleton<ClientAddressResolver>()
        .AddSingleton<ProxyMisconfiguration>()
        .AddPeriodic<ProxyMisconfiguration>(ProxyMisconfiguration.Interval, warning => warning.Evaluate())
        .AddSingleton<AdmissionGate>()
        .AddSingleton(provider =>
        {
            var state = provider.GetRequiredService<AdmissionGate>().State;
            state.Changed += provider.GetRequiredService<RelayEvents>().Publish;
            return state;
        })
        .AddSingleton<IMovable, AdmissionMove>()
        .AddSingleton<IStatistics, AdmissionStatistics>()
        .AddSingleton<IStatistics, OverloadStatistics>()
        .AddSingleton<IStatistics, ClientAddressStatistics>();

    private static IServiceCollection AddClusterCounts(this IServiceCollection services, ClusterOptions cluster)
    {
        services
            .AddSingleton(provider => new RemoteCounts(provider.GetRequiredService<TimeProvider>(), cluster.IsOn ? cluster.Total : 0))
            .AddSingleton(provider => new CountsPublisher(provider.GetRequiredService<ConnectionLedger>(), provider.GetRequiredService<LimitPolicyStore>()))
            .AddSingleton<ClusterCounts>()
            .AddSingleton<IStatistics, ClusterCountsStatistics>();
        return cluster.IsOn
            ? services
                .AddHostedService(provider => provider.GetRequiredService<ClusterCounts>())
                .AddPeriodic<ClusterCounts>(ClusterCounts.Interval, counts => counts.Publish(), atStart: true)
            : services;
    }
}
