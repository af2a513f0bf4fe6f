using Relay.Addresses;
using Relay.Events;
using Relay.Policy;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Admission;

internal static class AdmissionSetup
{
    public static IServiceCollection AddAdmission(
        this IServiceCollection services, AdmissionOptions options, AutoBanOptions autoBan, OverloadOptions overload) => services
        .AddSingleton(options)
        .AddSingleton(autoBan)
        .AddSingleton(overload)
        .AddSingleton(provider => new LimitPolicyStore(
            options,
            provider.GetRequiredService<TimeProvider>(),
            options.PolicyFile.Length > 0 ? new PolicyJournal(options.PolicyFile, provider.GetRequiredService<ILogger<PolicyJournal>>()) : null,
            provider.GetRequiredService<RelayEvents>(),
            provider.GetRequiredService<ILogger<LimitPolicyStore>>()))
        .AddSingleton<ConnectionLedger>()
        .AddSingleton(new ProtectedNetworks(options.TrustedProxies))
        .AddSingleton<AutoBans>()
        .AddPeriodic<AutoBans>(AutoBans.Interval, bans => bans.Sweep())
        .AddSingleton<OverloadMonitor>()
        .AddPeriodic<OverloadMonitor>(OverloadMonitor.Interval, overload => overload.Sample())
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
        .AddSingleton<IStatistics, PolicyStatistics>()
        .AddSingleton<IStatistics, AdmissionStatistics>()
        .AddSingleton<IStatistics, OverloadStatistics>()
        .AddSingleton<IStatistics, ClientAddressStatistics>();
}
