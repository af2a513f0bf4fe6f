using Relay.Scheduling;

namespace Relay.Transport;

/// <summary>
/// Connections that are closing and have a second to do so; then they are reset. All wait equally long, so a queue
/// is in the order of deadlines and one sweep serves them all.
/// </summary>
internal sealed class ClosingConnections(TimeProvider time)
{
    /// <summary>Time a peer has to finish its side of a close.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly SweepClock _clock = new(time);
    private readonly Lock _lock = new();

    // Guarded by _lock. A concurrent queue would use no slot twice that was ever peeked at: 24 bytes for each connection.
    private readonly Queue<(Connection Connection, long Since)> _waiting = [];

    public void Add(Connection connection)
    {
        var now = time.GetTimestamp();
        lock (_lock)
        {
            _waiting.Enqueue((connection, now));
        }
    }

    public void Sweep()
    {
        _clock.Begin();
        while (TakeLate() is { } connection)
        {
            connection.Abort();
        }
    }

    private Connection? TakeLate()
    {
        lock (_lock)
        {
            while (_waiting.TryPeek(out var head) && (head.Connection.IsGone || _clock.Elapsed(head.Since) >= Grace))
            {
                _waiting.Dequeue();
                if (!head.Connection.IsGone)
                {
                    return head.Connection;
                }
            }

            return null;
        }
    }
}
