using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Relay.Addresses;

namespace Relay.Transport.Kestrel;

/// <summary>Kestrel's socket transport with each TCP connection of the public wrapped, so that the relay knows when its socket is truly closed. The operators' listeners pass through.</summary>
internal sealed class PublicListenerFactory(SocketTransportFactory sockets, AcceptFilter filter, ConnectionTable table) : IConnectionListenerFactory
{
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = await sockets.BindAsync(endpoint, cancellationToken);
        if (endpoint is not PublicEndPoint)
        {
            return listener;
        }

        filter.Measure();
        return new PublicListener(listener, ((PublicEndPoint)endpoint).ClientAddress, filter, table);
    }
}

/// <summary>Accepts, and wraps what the accept filter lets in.</summary>
internal sealed class PublicListener(IConnectionListener inner, ClientAddressRule clientAddress, AcceptFilter filter, ConnectionTable table) : IConnectionListener
{
    public EndPoint EndPoint => inner.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await inner.AcceptAsync(cancellationToken) is { } connection)
        {
            var peer = connection.RemoteEndPoint is IPEndPoint endPoint ? IpKey.From(endPoint.Address) : IpKey.Unresolved;
            if (filter.Allows(clientAddress, peer))
            {
                var tracked = new KestrelConnection(connection, table) { ClientAddress = clientAddress };
                if (filter.TryEnter(tracked, peer))
                {
                    return tracked.Context;
                }
            }

            // Closed before the next is accepted: a flood never has more than one file too many.
            connection.Abort();
            await connection.DisposeAsync();
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
