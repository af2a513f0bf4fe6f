using Relay.Signaling;
using Relay.Telemetry;

namespace Relay.Http;

/// <summary>The figures of who waits for whom, on the one meter.</summary>
internal static class SignalingGauges
{
    public static void Add(IServiceProvider services)
    {
        var meter = services.GetRequiredService<RelayMetrics>().Meter;
        var pending = services.GetRequiredService<PendingRequests>();
        var matches = services.GetRequiredService<MatchTable>();
        meter.CreateObservableGauge("relay.pairing.pending", () => pending.Count(RequestKind.Pair), description: "Pair requests that wait for an answer.");
        meter.CreateObservableGauge("relay.linking.pending", () => pending.Count(RequestKind.Link), description: "Link requests that wait for an answer.");
        meter.CreateObservableGauge("relay.pairing.matches", () => matches.Count, description: "Pairs of sockets that may send to each other; counted where a match is required.");
    }
}
