using System.Collections.Concurrent;

namespace Relay.Listening;

/// <summary>Every open TCP connection of the public listener, from accept until its socket is closed.</summary>
internal sealed class ConnectionTable(ClosingConnections closing)
{
    private readonly ConcurrentDictionary<TrackedConnection, byte> _connections = [];

    public ClosingConnections Closing => closing;

    public int Count => _connections.Count;

    public void Add(TrackedConnection connection) => _connections.TryAdd(connection, 0);

    public void Remove(TrackedConnection connection) => _connections.TryRemove(connection, out _);

    public IEnumerable<TrackedConnection> All => _connections.Select(pair => pair.Key);
}
