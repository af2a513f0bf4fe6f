using System.Net;

namespace Relay.Federation;

/// <summary>Snapshot of one authenticated peer, for operators.</summary>
internal sealed record PeerSnapshot(
    string ServerId,
    string Endpoint,
    string Region,
    IPAddress Address,
    DateTimeOffset ConnectedAt,
    DateTimeOffset LastSeen,
    long FramesReceived,
    bool IsDialled)
{
    public static PeerSnapshot Of(PeerLink link, DateTimeOffset now, TimeProvider time)
    {
        var lastSeen = link.Session?.LastReceived ?? link.EnteredAt;
        return new PeerSnapshot(
            link.Peer!.ServerId,
            link.Peer.Endpoint,
            link.Peer.Region,
            link.Address,
            link.ConnectedAt,
            now - time.GetElapsedTime(lastSeen),
            link.Frames,
            link.IsDialled);
    }
}
