using System.Diagnostics.Metrics;
using Relay.Attestation;
using Relay.Telemetry;

namespace Relay.Http;

/// <summary>How the attestation authority is doing, on the one meter.</summary>
internal static class AuthorityGauges
{
    public static void Add(IServiceProvider services)
    {
        var meter = services.GetRequiredService<RelayMetrics>().Meter;
        var authority = services.GetRequiredService<AttestationClient>();
        meter.CreateObservableCounter("relay.attestation.requests", () => Asked(authority.Figures()), description: "Requests to the attestation authority that have ended, by outcome.");
        meter.CreateObservableGauge("relay.attestation.open", () => authority.Figures().Open, description: "Requests to the attestation authority that are on their way.");
    }

    private static IEnumerable<Measurement<long>> Asked(AttestationFigures figures) =>
        figures.Outcomes.Zip(AttestationFigures.Labels, (count, label) =>
            new Measurement<long>(count, new KeyValuePair<string, object?>("outcome", label)));
}
