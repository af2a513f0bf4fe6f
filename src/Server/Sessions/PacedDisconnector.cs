using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>Closes many sockets at a bounded pace, so that they do not all come back at once.</summary>
internal sealed class PacedDisconnector(ClientSessionOptions options)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Queue<(Session Session, Action<Session> Close)> _waiting = [];
    private double _due;

    /// <summary>The numbers of those that are going to be closed.</summary>
    public IReadOnlyList<long> Waiting
    {
        get
        {
            lock (_lock)
            {
                return [.. _waiting.Select(next => next.Session.Id)];
            }
        }
    }

    public void Add(IEnumerable<Session> sessions, CloseReason reason) => Add(sessions, session => session.Close(reason));

    /// <summary>Closes with a frame of the operator's choice.</summary>
    public void Disconnect(IEnumerable<Session> sessions, ushort code, string text) =>
        Add(sessions, session => session.Disconnect(code, text));

    /// <summary>Closes as many as the pace of one interval allows.</summary>
    public void CloseDue()
    {
        foreach (var (session, close) in Take())
        {
            close(session);
        }
    }

    private void Add(IEnumerable<Session> sessions, Action<Session> close)
    {
        lock (_lock)
        {
            foreach (var session in sessions)
            {
                _waiting.Enqueue((session, close));
            }
        }
    }

    private List<(Session Session, Action<Session> Close)> Take()
    {
        var taken = new List<(Session, Action<Session>)>();
        lock (_lock)
        {
            // At a rate below one a tick the parts add up over several.
            _due = _waiting.Count == 0 ? 0 : _due + (options.EvictionsPerSecond * Interval.TotalSeconds);
            for (; _due >= 1 && _waiting.TryDequeue(out var next); _due--)
            {
                taken.Add(next);
            }
        }

        return taken;
    }
}
