using Relay.Memory;

namespace Relay.Transport;

/// <summary>Every open TCP connection of the public listener, from accept until its socket is closed.</summary>
internal sealed class ConnectionTable(ClosingConnections closing, MemoryBudget memory)
{
    private readonly SlotTable<Connection> _connections = new();

    public ClosingConnections Closing => closing;

    /// <summary>Passed by whoever works on what a peer has said.</summary>
    public Standstill Standstill { get; } = new();

    public MemoryBudget Memory => memory;

    public int Count => _connections.Count;

    public IEnumerable<Connection> All => _connections.All;

    public void Add(Connection connection) => connection.Slot = _connections.Add(connection);

    public void Remove(Connection connection) => _connections.Remove(connection.Slot, connection);
}
