using Relay.Memory;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Sessions;

/// <summary>
/// Makes room in the memory budget: closes the sessions that hold most of it, by address and then by network, until there is
/// enough. At once when the budget is exceeded; when somebody has only to wait for room, after the wait of one to two sweeps,
/// in which those who are merely busy give back what they have.
/// </summary>
internal sealed partial class MemoryReclaimer
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    // What was closed needs a moment to be gone, and all sessions are looked at for it.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly MemoryBudget _memory;
    private readonly SessionTable _table;
    private readonly TimeProvider _time;
    private readonly ILogger<MemoryReclaimer> _logger;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private long? _ended;
    private long? _logged;
    private long _closedBeforeLog;

    // Atomic.
    private long _closed;
    private int _isDue;

    // The sweep's own.
    private long? _oldest;

    public MemoryReclaimer(MemoryBudget memory, SessionTable table, TimeProvider time, ILogger<MemoryReclaimer> logger)
    {
        (_memory, _table, _time, _logger) = (memory, table, time, logger);
        memory.Exceeded += ReclaimSoon;
    }

    /// <summary>Sessions closed because they held most of the budget when it was used up.</summary>
    public long Closed => Interlocked.Read(ref _closed);

    public void Sweep()
    {
        var oldest = _memory.Oldest;
        if (_memory.Used > _memory.Limit || (oldest is not null && oldest == _oldest))
        {
            Reclaim();
        }

        _oldest = oldest;
    }

    // Whoever has exceeded it may hold locks.
    private void ReclaimSoon()
    {
        if (Interlocked.Exchange(ref _isDue, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static reclaimer => reclaimer.ReclaimDue(), this, preferLocal: false);
        }
    }

    private void ReclaimDue()
    {
        Volatile.Write(ref _isDue, 0);
        if (_memory.Used > _memory.Limit)
        {
            Reclaim();
        }
    }

    private void Reclaim()
    {
        List<Session> chosen;
        lock (_lock)
        {
            if (_ended is { } ended && _time.GetElapsedTime(ended) < Pause)
            {
                return;
            }

            chosen = Choose();
            _ended = _time.GetTimestamp();
        }

        foreach (var session in chosen)
        {
            session.Abort(CloseReason.MemoryBudget);
        }

        if (chosen.Count > 0)
        {
            Report(Interlocked.Add(ref _closed, chosen.Count));
        }
    }

    private List<Session> Choose()
    {
        var chosen = new List<Session>();
        var holders = new FairPool<Session>();
        var excess = _memory.Excess;
        foreach (var session in _table.All)
        {
            if (session.HeldBytes is > 0 and var held)
            {
                if (session.IsClosing)
                {
                    excess -= held;
                }
                else
                {
                    holders.Add(session.Address, held, session);
                }
            }
        }

        for (; excess > 0 && holders.Count > 0; holders.Remove(LargestOf(holders)))
        {
            var largest = LargestOf(holders).Value;
            chosen.Add(largest.Item);
            excess -= largest.Size;
        }

        return chosen;
    }

    private static LinkedListNode<Held<Session>> LargestOf(FairPool<Session> holders)
    {
        var largest = holders.Largest.First!;
        for (var node = largest.Next; node is not null; node = node.Next)
        {
            largest = node.Value.Size > largest.Value.Size ? node : largest;
        }

        return largest;
    }

    private void Report(long closed)
    {
        long since;
        lock (_lock)
        {
            if (_logged is { } logged && _time.GetElapsedTime(logged) < LogInterval)
            {
                return;
            }

            (since, _closedBeforeLog, _logged) = (closed - _closedBeforeLog, closed, _time.GetTimestamp());
        }

        Log.Closed(_logger, _memory.Limit >> 20, since);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The memory budget of {Limit} MiB was used up: {Count} client sockets were closed that held most of it")]
        public static partial void Closed(ILogger logger, long limit, long count);
    }
}
