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
