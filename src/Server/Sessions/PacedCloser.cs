using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>Closes many sockets at a bounded pace, so that they do not all come back at once.</summary>
internal sealed class PacedCloser : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly SessionOptions _options;
    private readonly ITimer _timer;

    // Guarded by _lock.
    private readonly Queue<(Session Session, CloseReason Reason)> _waiting = [];
    private double _due;

    public PacedCloser(SessionOptions options, TimeProvider time)
    {
        _options = options;
        _timer = time.CreateTimer(_ => CloseDue(), null, Tick, Tick);
    }

    public void Add(IEnumerable<Session> sessions, CloseReason reason)
    {
        lock (_lock)
        {
            foreach (var session in sessions)
            {
                _waiting.Enqueue((session, reason));
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void CloseDue()
    {
        foreach (var (session, reason) in Take())
        {
            session.Close(reason);
        }
    }

    private List<(Session Session, CloseReason Reason)> Take()
    {
        var taken = new List<(Session, CloseReason)>();
        lock (_lock)
        {
            // At a rate below one a tick the parts add up over several.
            _due = _waiting.Count == 0 ? 0 : _due + (_options.ShedPerSecond * Tick.TotalSeconds);
            for (; _due >= 1 && _waiting.TryDequeue(out var next); _due--)
            {
                taken.Add(next);
            }
        }

        return taken;
    }
}
