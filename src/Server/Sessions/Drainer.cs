using Relay.Admission;
using Relay.Events;
using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>How far a drain is.</summary>
internal readonly record struct DrainState(bool IsOn, int Remaining, int Closed, TimeSpan Estimate, TimeSpan Elapsed);

/// <summary>
/// Drains the relay: its state first, then the sockets, those idle the longest first, at a bounded pace with jitter, so
/// that their clients do not arrive elsewhere all at once. At the deadline those left go together.
/// </summary>
internal sealed class Drainer(
    SessionTable sessions, ISessionHandler clients, ClientSessionOptions options, RelayState state, RelayEvents events, TimeProvider time)
{
    public const int DefaultRate = 100;

    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();

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
    public void Start(int rate, TimeSpan deadline, string who = RelayEvent.Relay, string reason = "", bool isForStop = false)
    {
        lock (_lock)
        {
            if (_isForStop && _deadline - time.GetElapsedTime(_started) is var left && left < deadline)
            {
                deadline = left;
            }

            // Under this lock, so that a cancellation cannot come between the state and the drain.
            if (!state.TryDrain(who, reason, time.GetUtcNow() + deadline))
            {
                return;
            }

            if (!_isOn)
            {
                _closed = 0;
            }

            _isForStop |= isForStop;
            _isDone = false;
            (_isOn, _rate, _deadline, _started, _due) = (true, rate, deadline, time.GetTimestamp(), 0);
            _order = Left();
            events.Publish(new DrainStarted(_order.Count, rate, deadline) { Who = who, Reason = reason });
        }
    }

    /// <summary>Before a stop: drains, for as long as the configuration gives it.</summary>
    public Task EmptyAsync(string reason) => options.StopDrain <= TimeSpan.Zero
        ? Task.CompletedTask
        : EmptyAsync(options.StopDrain, options.EvictionsPerSecond, RelayEvent.Relay, reason);

    /// <summary>The same within a time, at a pace that is no slower than it needs.</summary>
    public async Task EmptyAsync(TimeSpan within, int rate, string who, string reason)
    {
        Start(Math.Max(rate, (int)Math.Ceiling(sessions.All.Count(IsClient) / within.TotalSeconds)), within, who, reason, isForStop: true);

        // By a clock of its own: an operator who changes the pace meanwhile begins the drain anew.
        var started = time.GetTimestamp();
        using var timer = new PeriodicTimer(Look, time);
        while (State().Remaining > 0 && time.GetElapsedTime(started) < within)
        {
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Accepts new connections again; false when no drain is in progress, or one before a stop.</summary>
    public bool Cancel(string who = RelayEvent.Relay, string reason = "")
    {
        lock (_lock)
        {
            if (!_isOn || _isForStop || !state.TryCancelDrain(who, reason))
            {
                return false;
            }

            _isOn = false;
            _order.Clear();
            events.Publish(new DrainCancelled(_closed) { Who = who, Reason = reason });
            return true;
        }
    }

    public DrainState State()
    {
        var remaining = sessions.All.Count(IsClient);
        lock (_lock)
        {
            var elapsed = _isOn ? time.GetElapsedTime(_started) : TimeSpan.Zero;
            var left = _deadline - elapsed;
            var estimate = _isOn ? TimeSpan.FromSeconds(_order.Count / (double)_rate) : TimeSpan.Zero;
            return new DrainState(_isOn, remaining, _closed, estimate < left ? estimate : left > TimeSpan.Zero ? left : TimeSpan.Zero, elapsed);
        }
    }

    /// <summary>Whether the session is one of those that are drained; peer servers stay to the end.</summary>
    public bool IsClient(Session session) => session.Handler == clients;

    /// <summary>Disconnects as many as the pace of one interval allows, while a drain is in progress.</summary>
    public void CloseDue()
    {
        foreach (var session in Take())
        {
            session.Close(CloseReason.Drained);
        }

        EndIfDone();
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

            // A client in the middle of its upgrade when new connections were rejected appears only now.
            if (_order.Count == 0)
            {
                _order = Left();
            }

            // Half as much to half as much again each time: a steady rate would have all clients of a second come back in step.
            _due = _order.Count == 0 ? 0 : _due + _rate * Interval.TotalSeconds * (0.5 + Random.Shared.NextDouble());
            var isOver = time.GetElapsedTime(_started) >= _deadline;
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

    // Told once of each drain.
    private void EndIfDone()
    {
        lock (_lock)
        {
            if (_isOn && !_isDone && !sessions.All.Any(IsClient))
            {
                _isDone = true;
                events.Publish(new DrainEnded(_closed, state.Draining?.Who ?? RelayEvent.Relay));
            }
        }
    }

    private Queue<Session> Left() => new(sessions.All.Where(session => !session.IsClosing && IsClient(session)).OrderBy(session => session.LastMessage));
}
