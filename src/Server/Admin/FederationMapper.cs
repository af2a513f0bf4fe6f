using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Federation;
using Relay.Federation.Gossip;
using Relay.Federation.Ring;
using Relay.Identity;
using BlockedServer = Relay.AdminApi.BlockedServer;
using Member = Relay.AdminApi.Member;

namespace Relay.Admin;

/// <summary>Links, members and blocked servers as the admin service shows them.</summary>
internal sealed class FederationMapper(PeerTable peers, PeerGossip gossip, PeerTargets targets, PeerBook book)
{
    public ListPeersResponse Peers()
    {
        var members = gossip.Members().ToDictionary(member => member.ServerId, StringComparer.Ordinal);
        var linked = peers.Snapshot();
        var ids = linked.Select(peer => peer.ServerId).ToHashSet(StringComparer.Ordinal);
        return new ListPeersResponse
        {
            Peers = { linked.Select(peer => Row(peer, members.GetValueOrDefault(peer.ServerId))) },
            Unlinked = { targets.Rows().Where(target => !ids.Contains(target.ServerId)).Select(Row) },
        };
    }

    public static Member Own(ServerIdentity identity, IdentityOptions self, long incarnation) => new()
    {
        ServerId = identity.ServerId,
        Self = true,
        State = MemberState.Alive.Name(),
        Incarnation = incarnation,
        Endpoint = self.PublicEndpoint,
        Region = self.Region,
        Owner = true,
    };

    public static Member Row(MemberSnapshot member) => new()
    {
        ServerId = member.ServerId,
        State = member.State.Name(),
        Incarnation = member.Incarnation,
        Endpoint = member.Endpoint,
        Region = member.Region,
        Linked = member.Link is not null,
        RoundTrip = member.RoundTrip?.ToDuration(),
        LastHeard = member.LastHeard?.ToTimestamp(),
        Owner = member.IsOwner,
        EndpointDenial = member.Denial ?? "",
    };

    public static RingOwner Row(RingMember owner, ServerIdentity identity, double share) => new()
    {
        ServerId = owner.ServerId,
        Self = owner.ServerId == identity.ServerId,
        Endpoint = owner.Endpoint,
        Share = share,
    };

    public static BlockedServer Row(Relay.Federation.BlockedServer server) => new()
    {
        ServerId = server.ServerId,
        Reason = server.Reason,
        BlockedBy = server.By,
        BlockedAt = server.Since.ToTimestamp(),
    };

    private static Peer Row(PeerSnapshot peer, MemberSnapshot? member) => new()
    {
        ServerId = peer.ServerId,
        Endpoint = peer.Endpoint,
        Region = peer.Region,
        Address = peer.Address.ToString(),
        ConnectedAt = peer.ConnectedAt.ToTimestamp(),
        LastSeen = peer.LastSeen.ToTimestamp(),
        FramesReceived = peer.FramesReceived,
        Dialled = peer.IsDialled,
        State = (member?.State ?? MemberState.Unknown).Name(),
        Incarnation = member?.Incarnation ?? 0,
        RoundTrip = member?.RoundTrip?.ToDuration(),
    };

    private UnlinkedPeer Row(PeerTargetRow target) => new()
    {
        ServerId = target.ServerId,
        Endpoint = target.Endpoint,
        Origin = target.Origin switch { PeerOrigin.Configured => "configured", PeerOrigin.Known => "known", _ => "discovered" },
        Dialling = target.IsDialling,
        Failures = target.Failures,
        Wait = target.Wait.ToDuration(),
        LastWords = target.LastWords,
        Blocked = target.ServerId.Length > 0 && book.IsBlocked(target.ServerId),
    };
}
