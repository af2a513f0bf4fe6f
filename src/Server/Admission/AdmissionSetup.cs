using Relay.Addresses;
using Relay.Limits;

namespace Relay.Admission;

internal static class AdmissionSetup
{
    public static IServiceCollection AddAdmission(
        this IServiceCollection services, AdmissionOptions options, AutoBanOptions autoBan, LadderOptions ladder) => services
        .AddSingleton(options)
        .AddSingleton(autoBan)
        .AddSingleton(ladder)
        .AddSingleton(provider => new LimitPolicyStore(
            options,
            provider.GetRequiredService<TimeProvider>(),
            options.PolicyFile.Length > 0 ? new PolicyFile(options.PolicyFile) : null,
            provider.GetRequiredService<ILogger<LimitPolicyStore>>()))
        .AddSingleton<ConnectionLedger>()
        .AddSingleton(new ProtectedNetworks(options.TrustedProxies))
        .AddSingleton<AutoBans>()
        .AddSingleton<RefusalLadder>()
        .AddHostedService(provider => provider.GetRequiredService<RefusalLadder>())
        .AddSingleton<MemoryCeiling>()
        .AddHostedService(provider => provider.GetRequiredService<MemoryCeiling>())
        .AddSingleton<DecisionLog>()
        .AddSingleton(new TrustedProxies(options.TrustedProxies))
        .AddSingleton<OriginResolver>()
        .AddSingleton<ProxySuspicion>()
        .AddSingleton<AdmissionGate>();
}
