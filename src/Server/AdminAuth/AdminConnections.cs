using Microsoft.AspNetCore.Connections;

namespace Relay.AdminAuth;

/// <summary>
/// The open connections of the two admin listeners, each with its own bound: what happens on the network never keeps an
/// operator from the Unix socket. At the limit, the oldest connection over which no caller with a role has called yet gives
/// way.
/// </summary>
internal sealed class AdminConnections(AdminOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();

    // Guarded by _lock, oldest first.
    private readonly LinkedList<AdminConnection> _local = [];
    private readonly LinkedList<AdminConnection> _network = [];

    // Atomic.
    private long _refused;

    /// <summary>Connections reset to keep the bound: new ones, and those without a role that gave way to one.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _local.Count + _network.Count == 0;
            }
        }
    }

    public int Count(AdminTransport transport)
    {
        lock (_lock)
        {
            return Of(transport).Count;
        }
    }

    /// <summary>Runs one accepted connection from its registration to its end.</summary>
    public async Task RunAsync(ConnectionContext context, AdminTransport transport, ConnectionDelegate next)
    {
        var connection = new AdminConnection(context, transport, options, time);
        var isIn = TryAdd(connection, out var evicted);
        if (!isIn || evicted is not null)
        {
            Interlocked.Increment(ref _refused);
        }

        evicted?.Abort();
        if (!isIn)
        {
            context.Abort();
            return;
        }

        context.Features.Set(connection);
        try
        {
            await next(context);
        }
        finally
        {
            Remove(connection);
        }
    }

    /// <summary>Ends all of them: at once, or when their calls have ended.</summary>
    public void CloseAll(bool atOnce)
    {
        List<AdminConnection> open;
        lock (_lock)
        {
            open = [.. _local, .. _network];
        }

        open.ForEach(connection =>
        {
            if (atOnce)
            {
                connection.Abort();
            }
            else
            {
                connection.CloseSoon();
            }
        });
    }

    private bool TryAdd(AdminConnection connection, out AdminConnection? evicted)
    {
        evicted = null;
        lock (_lock)
        {
            var open = Of(connection.Transport);
            if (open.Count >= options.MaxConnections)
            {
                evicted = open.FirstOrDefault(other => !other.IsAuthorized);
                if (evicted is null)
                {
                    return false;
                }

                open.Remove(evicted);
            }

            open.AddLast(connection);
            return true;
        }
    }

    private void Remove(AdminConnection connection)
    {
        lock (_lock)
        {
            Of(connection.Transport).Remove(connection);
        }
    }

    private LinkedList<AdminConnection> Of(AdminTransport transport) => transport == AdminTransport.Unix ? _local : _network;
}
