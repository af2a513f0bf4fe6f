using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Federation.Gossip;
using Relay.Telemetry;

namespace Relay.Federation;

/// <summary>Links with peer servers, and what is known of them.</summary>
internal sealed class PeerStatistics(PeerTable peers, PeerCounts counts, PeerGossip gossip, PeerTargets targets, PeerBook book, FederationRing ring) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.peers", () => peers.AuthenticatedCount, description: "Authenticated peer servers.");
        meter.CreateObservableGauge("relay.peers.pending", () => peers.PendingCount, description: "Connections of peer servers that are not authenticated yet.");
        meter.CreateObservableGauge("relay.peers.unlinked", () => Unlinked, description: "Servers that the relay dials and that have no link now.");
        meter.CreateObservableGauge("relay.peers.blocked", () => book.Blocked().Count, description: "Servers that operators have blocked.");
        meter.CreateObservableCounter("relay.peers.refused", () => counts.RefusedByReason().Labelled("reason"), description: "Peer servers refused, by reason.");
        meter.CreateObservableGauge("relay.federation.members", () => MembersByState().Labelled("state"), description: "Other servers of the federation, by state.");
        meter.CreateObservableGauge("relay.federation.ring.share", () => ring.OwnShare, description: "Share of the ring of which the relay is the first owner, 0 to 1.");
        meter.CreateObservableCounter("relay.federation.changes", () => counts.ChangesByState().Labelled("state"), description: "Changes of a member's state, by the new state.");
        meter.CreateObservableCounter("relay.gossip.received", () => counts.Received.Messages, description: "Gossip messages of peer servers that were acted upon.");
        meter.CreateObservableCounter("relay.gossip.received.bytes", () => counts.Received.Bytes, "By", "Their bytes.");
        meter.CreateObservableCounter("relay.gossip.sent", () => counts.Sent.Messages, description: "Gossip messages sent to peer servers.");
        meter.CreateObservableCounter("relay.gossip.sent.bytes", () => counts.Sent.Bytes, "By", "Their bytes.");
        meter.CreateObservableCounter("relay.gossip.ignored", () => counts.IgnoredByReason().Labelled("reason"), description: "Messages of peer servers that were not acted upon, by reason.");
    }

    public void Fill(Stats stats) => stats.Peers = new Peers
    {
        Authenticated = peers.AuthenticatedCount,
        Pending = peers.PendingCount,
        GossipIgnoredTotal = counts.GossipIgnored,
        RefusedTotal = { counts.RefusedByReason().NonZero() },
        Members = { MembersByState().NonZero() },
        Unlinked = Unlinked,
        GossipReceivedTotal = counts.Received.Messages,
        GossipSentTotal = counts.Sent.Messages,
        RingShare = ring.OwnShare,
    };

    private int Unlinked => targets.Rows().Count(target => target.ServerId.Length == 0 || peers.Find(target.ServerId) is null);

    private IEnumerable<KeyValuePair<string, long>> MembersByState() =>
        Enum.GetValues<MemberState>().Select(state => KeyValuePair.Create(state.Name(), (long)gossip.Count(state)));
}
