using Relay.Protocol.Moving;
using Relay.Telemetry;

namespace Relay.Attestation;

internal static class AttestationSetup
{
    public static IServiceCollection AddAttestation(this IServiceCollection services, AttestationOptions options) => services
        .AddSingleton(options)
        .AddSingleton<AttestationClient>()
        .AddSingleton<GracePeriods>()
        .AddSingleton<AttestationHandler>()
        .AddSingleton<IMovable>(provider => provider.GetRequiredService<AttestationHandler>())
        .AddSingleton<IStatistics, AttestationStatistics>();
}
