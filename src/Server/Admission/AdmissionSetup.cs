namespace Relay.Admission;

internal static class AdmissionSetup
{
    public static IServiceCollection AddAdmission(this IServiceCollection services, AdmissionOptions options) => services
        .AddSingleton(options)
        .AddSingleton<LimitPolicyStore>()
        .AddSingleton<ConnectionLedger>()
        .AddSingleton<TrustedProxies>()
        .AddSingleton<AdmissionGate>();
}
