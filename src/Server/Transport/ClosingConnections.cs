using System.Collections.Concurrent;

namespace Relay.Transport;

/// <summary>
/// Connections that were told to close and have a second to do so; then they are cut. All wait equally long, so a queue
/// is in the order of deadlines and one timer serves them all.
/// </summary>
internal sealed class ClosingConnections : IDisposable
{
    /// <summary>Time a peer has to finish its side of a close.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentQueue<(Connection Connection, long Since)> _waiting = [];
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private int _sweeping;

    public ClosingConnections(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(_ => Sweep(), null, Tick, Tick);
    }

    public void Add(Connection connection) => _waiting.Enqueue((connection, _time.GetTimestamp()));

    public void Dispose() => _timer.Dispose();

    private void Sweep()
    {
        if (Interlocked.Exchange(ref _sweeping, 1) == 1)
        {
            return;
        }

        while (_waiting.TryPeek(out var head)
            && (head.Connection.IsGone || _time.GetElapsedTime(head.Since) >= Grace)
            && _waiting.TryDequeue(out head))
        {
            if (!head.Connection.IsGone)
            {
                head.Connection.Abort();
            }
        }

        Volatile.Write(ref _sweeping, 0);
    }
}
