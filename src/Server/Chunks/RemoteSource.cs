using Relay.Clients;

namespace Relay.Chunks;

/// <summary>Other relays of the cluster whose clients have a chunk, by the starts of these relays, in the order in which they are asked: the first is, once it is asked at all.</summary>
internal sealed class RemoteSource(IReadOnlyList<ulong> relays, int at = 0) : Party
{
    public ulong Epoch => relays[at];

    /// <summary>Who is asked if this one has none any more; null: nobody.</summary>
    public RemoteSource? Next => at + 1 < relays.Count ? new RemoteSource(relays, at + 1) : null;

    public override bool HasLeft => false;
}
