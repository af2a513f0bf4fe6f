using Relay.Admission;
using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>How far a drain is.</summary>
internal readonly record struct DrainState(bool IsOn, int Remaining, int Closed, TimeSpan Estimate, TimeSpan Elapsed);

/// <summary>
/// Drains the relay: its state first, then the sockets, those idle the longest first, at a bounded pace with jitter, so
/// that their clients do not arrive elsewhere all at once. At the deadline those left go together.
/// </summary>
internal sealed class Drainer : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly SessionTable _sessions;
    private readonly RelayState _state;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;

    // Guarded by _lock.
    private Queue<Session> _order = [];
    private bool _isOn;
    private bool _isForStop;
    private int _rate;
    private TimeSpan _deadline;
    private long _started;
    private double _due;
    private int _closed;
    private bool _isDone;

    public Drainer(SessionTable sessions, RelayState state, TimeProvider time)
    {
        (_sessions, _state, _time) = (sessions, state, time);
        _timer = time.CreateTimer(_ => CloseDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>No client is left: told once of each drain, with the number of those that were disconnected.</summary>
    public event Action<int>? Drained;

    /// <summary>What counts as a client; peer servers stay to the end.</summary>
    public Func<Session, bool> IsClient { get; set; } = _ => true;

    /// <summary>True once the relay is drained because it stops: that cannot be cancelled.</summary>
    public bool IsForStop
    {
        get
        {
            lock (_lock)
            {
                return _isForStop;
            }
        }
    }

    /// <summary>Begins, or goes on with another rate and deadline, which then counts from now; a stop's becomes no later.</summary>
    public void Start(int rate, TimeSpan deadline, bool isForStop = false)
    {
        lock (_lock)
        {
            // Under this lock, so that a cancellation cannot come between the state and the drain.
            if (!_state.TryDrain())
            {
                return;
            }

            if (!_isOn)
            {
                _closed = 0;
            }

            if (_isForStop && _deadline - _time.GetElapsedTime(_started) is var left && left < deadline)
            {
                deadline = left;
            }

            _isForStop |= isForStop;
            _isDone = false;
            (_isOn, _rate, _deadline, _started, _due) = (true, rate, deadline, _time.GetTimestamp(), 0);
            _order = Left();
            _timer.Change(Tick, Tick);
        }
    }

    /// <summary>Accepts new connections again; false when no drain is in progress, or one before a stop.</summary>
    public bool Cancel()
    {
        lock (_lock)
        {
            if (!_isOn || _isForStop || !_state.TryCancelDrain())
            {
                return false;
            }

            _isOn = false;
            _order.Clear();
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    public DrainState State()
    {
        var remaining = _sessions.All.Count(IsClient);
        lock (_lock)
        {
            var elapsed = _isOn ? _time.GetElapsedTime(_started) : TimeSpan.Zero;
            var left = _deadline - elapsed;
            var estimate = _isOn ? TimeSpan.FromSeconds(_order.Count / (double)_rate) : TimeSpan.Zero;
            return new DrainState(_isOn, remaining, _closed, estimate < left ? estimate : left > TimeSpan.Zero ? left : TimeSpan.Zero, elapsed);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void CloseDue()
    {
        foreach (var session in Take())
        {
            session.Close(CloseReason.Drained);
        }

        if (IsDone(out var closed))
        {
            Drained?.Invoke(closed);
        }
    }

    private List<Session> Take()
    {
        var taken = new List<Session>();
        lock (_lock)
        {
            if (!_isOn)
            {
                return taken;
            }

            // Whoever was in the middle of its upgrade when newcomers were shut out appears only now.
            if (_order.Count == 0)
            {
                _order = Left();
            }

            // Half as much to half as much again each time: a steady rate would have all clients of a second come back in step.
            _due = _order.Count == 0 ? 0 : _due + _rate * Tick.TotalSeconds * (0.5 + Random.Shared.NextDouble());
            var isOver = _time.GetElapsedTime(_started) >= _deadline;
            for (; (isOver || _due >= 1) && _order.TryDequeue(out var next); _due--)
            {
                if (!next.IsClosing)
                {
                    taken.Add(next);
                }
            }

            _closed += taken.Count;
            _due = Math.Max(_due, 0);
        }

        return taken;
    }

    private bool IsDone(out int closed)
    {
        var isEmpty = !_sessions.All.Any(IsClient);
        lock (_lock)
        {
            closed = _closed;
            var isNew = _isOn && isEmpty && !_isDone;
            _isDone |= isNew;
            return isNew;
        }
    }

    private Queue<Session> Left() => new(_sessions.All.Where(session => !session.IsClosing && IsClient(session)).OrderBy(session => session.LastMessage));
}
