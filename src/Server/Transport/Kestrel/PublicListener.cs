using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Relay.Addresses;
using Relay.Transport.Engine;

namespace Relay.Transport.Kestrel;

/// <summary>The engine's listeners, or Kestrel's socket transport with each TCP connection of the public wrapped, so that the relay knows when its socket is truly closed. The operators' listeners pass through.</summary>
internal sealed class PublicListenerFactory(
    SocketTransportFactory sockets, EngineTransport engine, AcceptFilter filter, ConnectionTable table, OpenListeners listeners) : IConnectionListenerFactory
{
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is not PublicEndPoint publicEndPoint)
        {
            return await BindBySystemAsync(endpoint, cancellationToken);
        }

        IConnectionListener listener = publicEndPoint.UsesEngine
            ? engine.Bind(publicEndPoint)
            : new PublicListener(await BindBySystemAsync(endpoint, cancellationToken), publicEndPoint.ClientAddress, filter, table, listeners.Opened);
        filter.Measure();
        return listener;
    }

    private async Task<IConnectionListener> BindBySystemAsync(EndPoint endpoint, CancellationToken cancellationToken)
    {
        var listener = await sockets.BindAsync(endpoint, cancellationToken);
        listeners.Add(() => listener.UnbindAsync(CancellationToken.None).AsTask());
        return listener;
    }
}

/// <summary>Accepts, and wraps what the accept filter lets in.</summary>
/// <param name="opened">Before that nobody is accepted.</param>
internal sealed class PublicListener(
    IConnectionListener inner, ClientAddressRule clientAddress, AcceptFilter filter, ConnectionTable table, Task opened) : IConnectionListener
{
    private readonly TaskCompletionSource _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EndPoint EndPoint => inner.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        await Task.WhenAny(opened, _unbound.Task);
        while (await inner.AcceptAsync(cancellationToken) is { } connection)
        {
            var peer = connection.RemoteEndPoint is IPEndPoint endPoint ? IpKey.From(endPoint.Address) : IpKey.Unresolved;
            if (filter.Allows(clientAddress, peer))
            {
                var tracked = new KestrelConnection(connection, table, clientAddress);
                filter.Enter(tracked, peer);
                return tracked.Context;
            }

            // Closed before the next is accepted: a flood never has more than one file too many.
            connection.Abort();
            await connection.DisposeAsync();
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound.TrySetResult();
        return inner.UnbindAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
