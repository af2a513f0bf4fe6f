using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Relay.Listening;

/// <summary>Kestrel's socket transport with each TCP connection wrapped, so that the relay knows when its socket is truly closed. Unix sockets and private endpoints pass through.</summary>
internal sealed class PublicListenerFactory(SocketTransportFactory sockets, ConnectionTable table) : IConnectionListenerFactory
{
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = await sockets.BindAsync(endpoint, cancellationToken);
        return endpoint is IPEndPoint and not PrivateEndPoint ? new PublicListener(listener, table) : listener;
    }
}

/// <summary>Accepts and wraps.</summary>
internal sealed class PublicListener(IConnectionListener inner, ConnectionTable table) : IConnectionListener
{
    public EndPoint EndPoint => inner.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await inner.AcceptAsync(cancellationToken) is { } connection ? new TrackedConnection(connection, table) : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
