using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Federation;

/// <summary>Links with peer servers.</summary>
internal sealed class PeerStatistics(PeerTable peers, PeerCounts counts) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.peers", () => peers.AuthenticatedCount, description: "Authenticated peer servers.");
        meter.CreateObservableGauge("relay.peers.pending", () => peers.PendingCount, description: "Connections of peer servers that are not authenticated yet.");
        meter.CreateObservableCounter("relay.peers.refused", () => counts.RefusedByReason().Labelled("reason"), description: "Peer servers refused, by reason.");
        meter.CreateObservableCounter("relay.gossip.ignored", () => counts.GossipIgnored, description: "Gossip messages of peer servers, which are not acted upon.");
    }

    public void Fill(Stats stats) => stats.Peers = new Peers
    {
        Authenticated = peers.AuthenticatedCount,
        Pending = peers.PendingCount,
        GossipIgnoredTotal = counts.GossipIgnored,
        RefusedTotal = { counts.RefusedByReason().NonZero() },
    };
}
