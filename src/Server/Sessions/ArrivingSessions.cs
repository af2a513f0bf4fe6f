using Relay.Addresses;
using Relay.Admission;
using Relay.Native;
using Relay.Protocol.Moving;
using Relay.Transport;
using Relay.Transport.Engine;

namespace Relay.Sessions;

/// <summary>Sessions of clients that come from another process: they stand still, with their leases, until <see cref="Arrive"/>.</summary>
internal sealed class ArrivingSessions(
    EngineLoops loops, ConnectionLedger ledger, SessionServices services, ISessionHandler clients, ConnectionTable connections) : IMovable
{
    private readonly List<(long Number, EngineConnection Connection, Session? Session, ReadOnlyMemory<byte> Unread)> _arrived = [];
    private readonly Dictionary<string, EngineListener?> _listeners = [];
    private int _next;

    public void Write(Departure departure)
    {
    }

    public bool TryRead(MovedPart part, Arrivals arrivals)
    {
        if (part.Client is { } client)
        {
            Read(client, arrivals);
        }
        else if (part.Handshake is { } handshake)
        {
            Read(handshake, arrivals);
        }
        else
        {
            return false;
        }

        return true;
    }

    /// <summary>They are this process' from now on, but for those who have stayed.</summary>
    public void Arrive(IReadOnlySet<long> kept)
    {
        foreach (var (number, connection, session, unread) in _arrived)
        {
            if (kept.Contains(number))
            {
                connection.Decline();
            }
            else
            {
                connection.Loop.Post(connection, () =>
                {
                    connection.Arrive(unread.Span);
                    session?.Arrive();
                });
            }
        }

        _arrived.Clear();
    }

    /// <summary>The other process is gone, and has not told all: they have to come again.</summary>
    public void GiveUp()
    {
        _arrived.ForEach(arrived => arrived.Connection.Decline());
        _arrived.Clear();
    }

    private void Read(MovedClient state, Arrivals arrivals)
    {
        if (Create(state.Connection, state.Session, arrivals, Fits(state)) is not { } connection)
        {
            return;
        }

        var (address, subject) = (MovedAddresses.Read(state.Address), Read(state.Subject));
        var key = ledger.Restore(address, subject, arrivals.Time.Now, out var lease);
        connection.Listener.Adopt(connection, handshake: null);
        connection.Hold(lease, key);
        var session = new Session(state.Session, address, MovedAddresses.Read(state.Key), connection, clients, services) { Subject = subject };
        connection.Restore(state.Connection, session);
        session.Restore(state, arrivals.Time);
        _arrived.Add((state.Session, connection, session, state.Unread.Memory));
        arrivals.Add(state.Session, session);
    }

    private void Read(MovedHandshake state, Arrivals arrivals)
    {
        if (Create(state.Connection, state.Number, arrivals, fits: true) is { } connection)
        {
            connection.Restore(state.Connection, handler: null);
            connection.Listener.Adopt(connection, connection.Key);
            _arrived.Add((state.Number, connection, null, default));
        }
    }

    // Null: this process does not take it in.
    private EngineConnection? Create(MovedConnection state, long number, Arrivals arrivals, bool fits)
    {
        var descriptor = arrivals.TakeDescriptor();
        if (!fits || ListenerOf(state.Listener) is not { } listener)
        {
            Descriptors.Close(descriptor);
            arrivals.Refused.Add(number);
            return null;
        }

        var all = loops.Start();
        return new EngineConnection(all[_next++ % all.Length], listener, descriptor, MovedAddresses.Read(state.Peer), connections);
    }

    private EngineListener? ListenerOf(string endPoint)
    {
        if (!_listeners.TryGetValue(endPoint, out var listener))
        {
            _listeners[endPoint] = listener = loops.Listeners.Find(other => other.EndPoint.ToString() == endPoint);
        }

        return listener;
    }

    // A message that has begun may be longer than this process takes.
    private bool Fits(MovedClient state) => state.Reader is { } reader && reader.Message.Length + (long)reader.Remaining <= services.Options.MaxMessageBytes;

    private static Subject? Read(MovedSubject? subject) => subject is null ? null : new Subject(subject.Name, subject.Limit, subject.IsUnlimited);
}
