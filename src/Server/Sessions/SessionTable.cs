using System.Collections.Concurrent;
using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>Live sessions, clients and peer servers, by id.</summary>
internal sealed class SessionTable
{
    private readonly ConcurrentDictionary<long, Session> _sessions = [];
    private long _lastId;

    public int Count => _sessions.Count;

    public IEnumerable<Session> All => _sessions.Select(pair => pair.Value);

    public long NextId() => Interlocked.Increment(ref _lastId);

    public void Add(Session session) => _sessions.TryAdd(session.Id, session);

    public void Remove(Session session) => _sessions.TryRemove(session.Id, out _);

    public void CloseAll(CloseReason reason)
    {
        foreach (var session in All)
        {
            session.Close(reason);
        }
    }
}
