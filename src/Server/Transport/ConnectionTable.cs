namespace Relay.Transport;

/// <summary>Every open TCP connection of the public listener, from accept until its socket is closed.</summary>
internal sealed class ConnectionTable(ClosingConnections closing)
{
    private readonly SlotTable<Connection> _connections = new();

    public ClosingConnections Closing => closing;

    public int Count => _connections.Count;

    public IEnumerable<Connection> All => _connections.All;

    public void Add(Connection connection) => connection.Slot = _connections.Add(connection);

    /// <summary>Called once; does nothing for a connection that was never added.</summary>
    public void Remove(Connection connection)
    {
        if (connection.Slot is >= 0 and var slot)
        {
            connection.Slot = -1;
            _connections.Remove(slot);
        }
    }
}
