using Relay.Cluster.V1;

namespace Relay.Cluster;

/// <summary>What is known of one start of a node. Touched only under the lock of <see cref="ClusterNodes"/>.</summary>
internal sealed class NodeEntry(string name, ulong epoch, uint version, bool isIncompatible)
{
    private const int MaxText = 64;
    private const int Delays = 16;

    // A clock that is off by more is said to be off by this.
    private const long MaxOffset = 10L * 365 * 24 * 3600 * 1_000_000;

    // Microseconds by which the latest heartbeats seem to have been under way: this relay's clock when they came minus the node's when they left.
    private readonly Queue<long> _delays = new(Delays);
    private Heartbeat _last = new();
    private long _lastDelay;

    public string Name => name;

    public ulong Epoch => epoch;

    public bool IsIncompatible => isIncompatible;

    /// <summary>Timestamp of the time provider.</summary>
    public long LastHeard { get; private set; }

    /// <summary>Of the latest message for which it matters; 0: none yet.</summary>
    public ulong Sequence { get; set; }

    /// <param name="heartbeat">Null: the node said something else.</param>
    public void Hear(Heartbeat? heartbeat, TimeProvider time)
    {
        LastHeard = time.GetTimestamp();
        if (heartbeat is null)
        {
            return;
        }

        _last = heartbeat;
        var now = (long)(time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalMicroseconds;
        _lastDelay = Math.Clamp(now - Math.Clamp(heartbeat.SentAt, 0, long.MaxValue), -MaxOffset, MaxOffset);
        if (_delays.Count == Delays)
        {
            _delays.Dequeue();
        }

        _delays.Enqueue(_lastDelay);
    }

    public RemoteNode Read(TimeProvider time)
    {
        var fastest = _delays.DefaultIfEmpty().Min();
        return new RemoteNode(name, epoch)
        {
            IsIncompatible = isIncompatible,
            MessageVersion = version,
            ProductVersion = Text(_last.ProductVersion),
            State = isIncompatible ? "incompatible" : _last.State is "starting" or "ready" or "draining" ? _last.State : "unknown",
            Clients = Math.Max(0, _last.Clients),
            Peers = Math.Max(0, _last.Peers),
            TotalLimit = Math.Max(0, _last.TotalLimit),
            PolicyRevision = Math.Max(0, _last.PolicyRevision),
            RefusedTotal = Math.Max(0, _last.RefusedTotal),
            Database = _last.Database is "up" or "away" ? _last.Database : "",
            Silent = time.GetElapsedTime(LastHeard),
            ClockOffset = TimeSpan.FromMicroseconds(-fastest),
            Lag = TimeSpan.FromMicroseconds(_lastDelay - fastest),
        };
    }

    /// <summary>As far as it can be shown.</summary>
    public static string Text(string text) => new([.. text.Take(MaxText).Where(letter => letter is > ' ' and <= '~')]);
}
