using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Sessions;
using Relay.Transport;
using Relay.Upgrade.V1;

namespace Relay.Upgrade;

/// <summary>The new process' part in moving clients: they are here, and stand still, until the old one says that they are this one's.</summary>
internal sealed class ClientTakeOver(
    ArrivingSessions sessions, SessionTable table, IEnumerable<IMovable> movables, OpenListeners listeners, PeriodicTimers timers, TimeProvider time)
{
    // What the process before gives to those who still come in there is not given here.
    private const int SkippedNumbers = 1_000_000;

    private readonly MovedPartReader _parts = new();
    private Arrivals? _arrivals;

    /// <summary>Numbers of those that cannot be taken in.</summary>
    public IReadOnlyList<long> Refused => _arrivals?.Refused ?? [];

    /// <summary>Before this process listens: it admits nobody until <see cref="Open"/>.</summary>
    /// <param name="lastSession">The highest number of a session of the old one.</param>
    public void Begin(long lastSession)
    {
        listeners.Hold();
        table.NumberFrom(lastSession + SkippedNumbers);
    }

    /// <summary>Takes what the old one knows. Throws <see cref="InvalidDataException"/> for what makes no sense.</summary>
    public void Read(Moved moved, IReadOnlyList<int> descriptors)
    {
        if (_arrivals is null)
        {
            // Nobody is judged by what is not known of him yet.
            timers.Pause();
            _arrivals = new Arrivals(new MovedTime(time), _parts.TakeDescriptor);
        }

        foreach (var part in _parts.Read(moved, descriptors))
        {
            if (!movables.Any(movable => movable.TryRead(part, _arrivals)))
            {
                throw new InvalidDataException("the relay that was to be replaced has told of its clients what nobody here knows");
            }
        }

        foreach (var movable in moved.IsLast ? movables : [])
        {
            movable.Complete(_arrivals);
        }
    }

    /// <summary>They are this process' from now on, but for those who have stayed; how many have come.</summary>
    public int Arrive(IReadOnlySet<long> kept)
    {
        sessions.Arrive(kept);
        timers.Resume();
        return (_arrivals?.Count ?? 0) - kept.Count(number => _arrivals?.Find<Session>(number) is not null);
    }

    /// <summary>The old one is gone before it has told all: nobody has come.</summary>
    public void GiveUp()
    {
        sessions.GiveUp();
        timers.Resume();
    }

    /// <summary>Admits clients.</summary>
    public void Open() => listeners.Open();
}
