using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Signaling;

/// <summary>Requests waiting for an answer, and matched pairs.</summary>
internal sealed class SignalingStatistics(PendingRequests pending, MatchTable matches) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.pairing.pending", () => pending.Count(RequestKind.Pair), description: "Pair requests waiting for an answer.");
        meter.CreateObservableGauge("relay.linking.pending", () => pending.Count(RequestKind.Link), description: "Link requests waiting for an answer.");
        meter.CreateObservableGauge("relay.pairing.matches", () => matches.Count, description: "Pairs of clients that may send to each other; counted where a match is required.");
    }

    public void Fill(Stats stats)
    {
        stats.Pairing.PendingRequests = pending.Count(RequestKind.Pair);
        stats.Pairing.PendingLinks = pending.Count(RequestKind.Link);
    }
}
