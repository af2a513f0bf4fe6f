using Relay.Cluster;
using Relay.Events;
using Relay.Scheduling;
using Relay.Storage;
using Relay.Telemetry;

namespace Relay.Policy;

internal static class PolicySetup
{
    /// <summary>After storage and before all that accepts connections: the policy that other relays have made holds from the first.</summary>
    public static IServiceCollection AddPolicy(this IServiceCollection services, AdmissionOptions options, StorageOptions storage, ClusterOptions cluster)
    {
        var isShared = storage.Connection.Length > 0;
        services
            .AddSingleton(provider => new LimitPolicyStore(
                options,
                provider.GetRequiredService<TimeProvider>(),
                options.PolicyFile.Length > 0 ? new PolicyJournal(options.PolicyFile, provider.GetRequiredService<ILogger<PolicyJournal>>()) : null,
                provider.GetRequiredService<RelayEvents>(),
                provider.GetRequiredService<ILogger<LimitPolicyStore>>(),
                isShared ? new SharedJournal(provider.GetRequiredService<Database>()) : null,
                cluster.NodeName))
            .AddSingleton<PolicyAcknowledgements>()
            .AddSingleton<IStatistics, PolicyStatistics>();
        if (!isShared)
        {
            return services;
        }

        services
            .AddSingleton<PolicyFollower>()
            .AddHostedService(provider => provider.GetRequiredService<PolicyFollower>())
            .AddPeriodic<PolicyFollower>(PolicyFollower.Interval, (follower, _) => follower.CatchUpAsync());
        return cluster.IsOn ? services.AddHostedService<PolicyAnnouncements>() : services;
    }
}
