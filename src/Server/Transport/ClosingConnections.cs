using System.Collections.Concurrent;
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

    private readonly ConcurrentQueue<(Connection Connection, long Since)> _waiting = [];
    private readonly SweepClock _clock = new(time);

    public void Add(Connection connection) => _waiting.Enqueue((connection, time.GetTimestamp()));

    public void Sweep()
    {
        _clock.Begin();
        while (_waiting.TryPeek(out var head)
            && (head.Connection.IsGone || _clock.Elapsed(head.Since) >= Grace)
            && _waiting.TryDequeue(out head))
        {
            if (!head.Connection.IsGone)
            {
                head.Connection.Abort();
            }
        }
    }
}
