using Relay.Cluster;
using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Transport;
using Relay.Transport.Engine;

namespace Relay.Sessions;

/// <summary>
/// The sessions of clients that leave for another process, and the standstill in which they are written down: from <see cref="BeginAsync"/> to <see cref="End"/>
/// nothing is read, accepted or sent on the engine, and nobody works on what peers have said. One at a time.
/// </summary>
internal sealed class DepartingSessions(
    EngineLoops loops,
    ConnectionTable connections,
    PeriodicTimers timers,
    PacedDisconnector disconnector,
    ISessionHandler clients,
    ClusterOptions cluster,
    TimeProvider time) : IMovable
{
    // A turn of a loop takes less.
    private static readonly TimeSpan LoopTimeout = TimeSpan.FromSeconds(2);

    // For what is being handled; whoever is not done then stays.
    private static readonly TimeSpan HandlerGrace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(2);

    // Of what is known of one client. More would hold up all others.
    private const int MaxBytes = 4 << 20;

    private readonly List<(long Number, EngineConnection Connection, Session? Session)> _written = [];
    private List<EngineConnection> _halted = [];
    private IDisposable? _loops;

    /// <summary>Of a node of a cluster nobody moves: the others know where he is.</summary>
    public bool CanMove => !cluster.IsOn;

    /// <summary>Everything stands still when this is done. False: a loop of the engine does not come to its end of a turn.</summary>
    public async Task<bool> BeginAsync()
    {
        timers.Pause();
        connections.Standstill.Begin();
        _loops = loops.Halt(LoopTimeout);
        if (_loops is null)
        {
            return false;
        }

        var began = time.GetTimestamp();
        using var timer = new PeriodicTimer(Look, time);
        while (IsSomebodyBusy() && time.GetElapsedTime(began) < HandlerGrace)
        {
            await timer.WaitForNextTickAsync();
        }

        _halted = [.. connections.All.OfType<EngineConnection>()];
        _halted.ForEach(connection => connection.Halt());
        return true;
    }

    /// <summary>Who is going to be disconnected.</summary>
    public IEnumerable<long> Staying() => disconnector.Waiting;

    public void Write(Departure departure)
    {
        _written.Clear();
        foreach (var connection in _halted)
        {
            connection.Settle();
            if (connection.Handler is Session session)
            {
                if (IsMovable(connection, session) && !departure.Staying.Contains(session.Id))
                {
                    Write(departure, connection, session);
                }
            }
            else if (connection.IsRequesting)
            {
                var handshake = new MovedHandshake { Number = -1 - _written.Count, Connection = new MovedConnection() };
                _written.Add((handshake.Number, connection, null));
                departure.Write(handshake, connection.Save(handshake.Connection));
            }
        }
    }

    public bool TryRead(MovedPart part, Arrivals arrivals) => false;

    /// <summary>Which of those that were written stay after all, because they were refused or something has happened with them since.</summary>
    public IReadOnlyList<long> Seal(IReadOnlySet<long> refused)
    {
        List<long> kept = [];
        _written.RemoveAll(moved =>
        {
            var stays = refused.Contains(moved.Number) || moved.Connection.IsTouched || moved.Connection.IsGone;
            if (stays)
            {
                kept.Add(moved.Number);
            }

            return stays;
        });
        return kept;
    }

    /// <summary>The other process has them from now on. Returns how many clients they are.</summary>
    public int Depart()
    {
        foreach (var (_, connection, session) in _written)
        {
            session?.Depart();
            connection.Depart();
        }

        var count = _written.Count(moved => moved.Session is not null);
        _written.Clear();
        return count;
    }

    /// <summary>Whoever is still here goes on where he stood.</summary>
    public void End()
    {
        _halted.ForEach(connection => connection.GoOn());
        _halted = [];
        _written.Clear();
        connections.Standstill.End();
        _loops?.Dispose();
        _loops = null;
        timers.Resume();
    }

    private void Write(Departure departure, EngineConnection connection, Session session)
    {
        var state = session.Save(departure.Time);
        state.Connection = new MovedConnection();
        var descriptor = connection.Save(state.Connection);
        if (state.CalculateSize() <= MaxBytes)
        {
            _written.Add((session.Id, connection, session));
            departure.Write(state, descriptor);
        }
    }

    private bool IsSomebodyBusy()
    {
        if (!connections.Standstill.IsReached)
        {
            return true;
        }

        foreach (var connection in connections.All.OfType<EngineConnection>())
        {
            connection.Settle();
            if (connection.Handler is Session session && IsBusy(connection, session))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsMovable(EngineConnection connection, Session session) =>
        session.Handler == clients && connection.IsOpen && !session.IsClosing && !IsBusy(connection, session)
        && !(connection.IsWorking && session.Wait == SessionWait.Memory);

    private static bool IsBusy(EngineConnection connection, Session session) =>
        session.IsBetweenMessages
        || (connection.IsWorking && session.Wait is SessionWait.None or SessionWait.Handler && !session.IsRepeatable);
}
