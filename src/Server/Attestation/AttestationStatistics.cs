using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Attestation;

/// <summary>How the attestation authority is doing.</summary>
internal sealed class AttestationStatistics(AttestationClient authority) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableCounter("relay.attestation.requests", () => Requests(authority.Figures()).Labelled("outcome"), description: "Completed requests to the attestation authority, by outcome.");
        meter.CreateObservableGauge("relay.attestation.open", () => authority.Figures().Open, description: "Requests to the attestation authority in progress.");
    }

    public void Fill(Stats stats)
    {
        var figures = authority.Figures();
        stats.Attestation = new AttestationStats { Open = figures.Open, RequestsTotal = { Requests(figures).NonZero() } };
    }

    private static IEnumerable<KeyValuePair<string, long>> Requests(AttestationFigures figures) =>
        AttestationFigures.Labels.Zip(figures.Outcomes, KeyValuePair.Create);
}
