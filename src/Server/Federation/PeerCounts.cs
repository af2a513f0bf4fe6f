using Relay.Federation.Gossip;
using Relay.Protocol;

namespace Relay.Federation;

/// <summary>What peer servers did, and what was not acted upon. Thread-safe.</summary>
internal sealed class PeerCounts
{
    private static readonly string[] Ignored = ["not_gossip", "malformed", "unknown_subtype", "wrong_sender", "stale", "bad_signature", "replayed", "rate_limited", "not_its_word", "unknown_link"];

    // Atomic, all of them.
    private readonly long[] _refused = new long[CloseReasons.All.Count];
    private readonly long[] _ignored = new long[Ignored.Length];
    private readonly long[] _changes = new long[Enum.GetValues<MemberState>().Length];
    private long _received;
    private long _receivedBytes;
    private long _sent;
    private long _sentBytes;

    /// <summary>Messages after the handshake that were not acted upon.</summary>
    public long GossipIgnored => _ignored.Sum();

    /// <summary>Messages that were, and their bytes.</summary>
    public (long Messages, long Bytes) Received => (Interlocked.Read(ref _received), Interlocked.Read(ref _receivedBytes));

    public (long Messages, long Bytes) Sent => (Interlocked.Read(ref _sent), Interlocked.Read(ref _sentBytes));

    /// <summary>What became of a message: it could not be read, or the membership has judged it.</summary>
    public void GossipReceived(int bytes, GossipError error, GossipOutcome outcome)
    {
        if (error == GossipError.None && outcome == GossipOutcome.Accepted)
        {
            Interlocked.Increment(ref _received);
            Interlocked.Add(ref _receivedBytes, bytes);
            return;
        }

        var reason = (error, outcome) switch
        {
            (GossipError.NotGossip, _) => "not_gossip",
            (GossipError.UnknownSubtype, _) => "unknown_subtype",
            (GossipError.WrongSender, _) or (_, GossipOutcome.WrongSender) => "wrong_sender",
            (GossipError.Stale, _) => "stale",
            (GossipError.BadSignature, _) => "bad_signature",
            (not GossipError.None, _) => "malformed",
            (_, GossipOutcome.Replayed) => "replayed",
            (_, GossipOutcome.RateLimited) => "rate_limited",
            (_, GossipOutcome.NotItsWord) => "not_its_word",
            _ => "unknown_link",
        };
        Interlocked.Increment(ref _ignored[Array.IndexOf(Ignored, reason)]);
    }

    public void GossipSent(int bytes)
    {
        Interlocked.Increment(ref _sent);
        Interlocked.Add(ref _sentBytes, bytes);
    }

    public void MemberChanged(MemberState state) => Interlocked.Increment(ref _changes[(int)state]);

    public void Refused(CloseReason reason) => Interlocked.Increment(ref _refused[(int)reason]);

    public IEnumerable<KeyValuePair<string, long>> IgnoredByReason() => Ignored.Select((label, i) => KeyValuePair.Create(label, Interlocked.Read(ref _ignored[i])));

    public IEnumerable<KeyValuePair<string, long>> ChangesByState() =>
        Enum.GetValues<MemberState>().Select(state => KeyValuePair.Create(state.Name(), Interlocked.Read(ref _changes[(int)state])));

    /// <summary>Peer servers refused, by reason.</summary>
    public IEnumerable<KeyValuePair<string, long>> RefusedByReason() =>
        CloseReasons.OfPeers.Append(CloseReasons.Of(CloseReason.Banned)).Select(row => KeyValuePair.Create(row.Label, Interlocked.Read(ref _refused[(int)row.Reason])));
}
