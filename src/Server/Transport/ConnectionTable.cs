using System.Collections.Concurrent;

namespace Relay.Transport;

/// <summary>Every open TCP connection of the public listener, from accept until its socket is closed.</summary>
internal sealed class ConnectionTable(ClosingConnections closing)
{
    private readonly ConcurrentDictionary<Connection, byte> _connections = [];

    // Atomic: the dictionary counts itself only by taking all of its locks, and every accept asks.
    private int _count;

    public ClosingConnections Closing => closing;

    public int Count => Volatile.Read(ref _count);

    public void Add(Connection connection)
    {
        if (_connections.TryAdd(connection, 0))
        {
            Interlocked.Increment(ref _count);
        }
    }

    public void Remove(Connection connection)
    {
        if (_connections.TryRemove(connection, out _))
        {
            Interlocked.Decrement(ref _count);
        }
    }

    public IEnumerable<Connection> All => _connections.Select(pair => pair.Key);
}
