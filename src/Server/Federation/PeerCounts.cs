using Relay.Protocol;

namespace Relay.Federation;

/// <summary>What peer servers did that is counted and not acted upon.</summary>
internal sealed class PeerCounts
{
    // Atomic, both.
    private readonly long[] _refused = new long[CloseReasons.All.Count];
    private long _gossipIgnored;

    public long GossipIgnored => Interlocked.Read(ref _gossipIgnored);

    public void GossipFrameIgnored() => Interlocked.Increment(ref _gossipIgnored);

    public void Refused(CloseReason reason) => Interlocked.Increment(ref _refused[(int)reason]);

    /// <summary>Peer servers refused, by reason.</summary>
    public IEnumerable<KeyValuePair<string, long>> RefusedByReason() =>
        CloseReasons.OfPeers.Append(CloseReasons.Of(CloseReason.Banned)).Select(row => KeyValuePair.Create(row.Label, Interlocked.Read(ref _refused[(int)row.Reason])));
}
