using Relay.Protocol;
using Relay.Transport;

namespace Relay.Sessions;

/// <summary>Live sessions, clients and peer servers.</summary>
internal sealed class SessionTable
{
    private readonly SlotTable<Session> _sessions = new();
    private long _lastId;

    public int Count => _sessions.Count;

    public IEnumerable<Session> All => _sessions.All;

    /// <summary>The number of the last session.</summary>
    public long LastId => Interlocked.Read(ref _lastId);

    /// <summary>From now on sessions have higher numbers than this.</summary>
    public void NumberFrom(long id) => Interlocked.Exchange(ref _lastId, Math.Max(LastId, id));

    public long NextId() => Interlocked.Increment(ref _lastId);

    /// <summary>Returns the number that <see cref="Remove"/> needs.</summary>
    public int Add(Session session) => _sessions.Add(session);

    public void Remove(int slot, Session session) => _sessions.Remove(slot, session);

    public void CloseAll(CloseReason reason)
    {
        foreach (var session in All)
        {
            session.Close(reason);
        }
    }
}
