using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Attestation;

/// <summary>How the attestation authority is doing.</summary>
internal sealed class AttestationStatistics(AttestationClient authority) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableCounter("relay.attestation.requests", () => Requests(authority.Counts()).Labelled("outcome"), description: "Completed requests to the attestation authority, by outcome.");
        meter.CreateObservableGauge("relay.attestation.open", () => authority.Counts().Open, description: "Requests to the attestation authority in progress.");
    }

    public void Fill(Stats stats)
    {
        var counts = authority.Counts();
        stats.Attestation = new AttestationStats { Open = counts.Open, RequestsTotal = { Requests(counts).NonZero() } };
    }

    private static IEnumerable<KeyValuePair<string, long>> Requests(AttestationCounts counts) =>
        AttestationCounts.Labels.Zip(counts.Outcomes, KeyValuePair.Create);
}
