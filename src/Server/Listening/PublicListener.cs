using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Relay.Listening;

/// <summary>Kestrel's socket transport with each TCP connection wrapped, so that the relay knows when its socket is truly closed. Unix sockets and private endpoints pass through.</summary>
internal sealed class PublicListenerFactory(SocketTransportFactory sockets, ConnectionTable table, FileReserve files) : IConnectionListenerFactory
{
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = await sockets.BindAsync(endpoint, cancellationToken);
        if (endpoint is not IPEndPoint or PrivateEndPoint)
        {
            return listener;
        }

        files.Measure(OpenFiles.Limit, OpenFiles.Count());
        return new PublicListener(listener, table, files);
    }
}

/// <summary>Accepts and wraps, as long as there are files for it.</summary>
internal sealed class PublicListener(IConnectionListener inner, ConnectionTable table, FileReserve files) : IConnectionListener
{
    public EndPoint EndPoint => inner.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await inner.AcceptAsync(cancellationToken) is { } connection)
        {
            if (table.Count < files.Most)
            {
                return new TrackedConnection(connection, table);
            }

            // Closed before the next is accepted: a flood never has more than one file too many.
            files.TurnAway();
            connection.Abort();
            await connection.DisposeAsync();
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
