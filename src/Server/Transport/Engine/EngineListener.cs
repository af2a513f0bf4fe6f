using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Relay.Addresses;
using Relay.Transport.Kestrel;

namespace Relay.Transport.Engine;

/// <summary>
/// A public listener whose connections the engine accepts, with at least one listening socket for each loop. To Kestrel it is a
/// listener that offers only what the engine does not answer itself.
/// </summary>
internal sealed class EngineListener(
    EndPoint endPoint, ClientAddressRule clientAddress, AcceptFilter filter, ConnectionTable table, SocketConnectionContextFactory sockets)
    : IConnectionListener
{
    // Twice the pending handshakes of the default: those that were reset while they waited leave when Kestrel comes to them.
    private const int MaxHandedOver = 8192;

    private readonly Channel<HandedOverConnection> _handedOver =
        Channel.CreateBounded<HandedOverConnection>(new BoundedChannelOptions(MaxHandedOver) { SingleReader = true });

    private readonly List<(EngineLoop Loop, EngineAcceptor Acceptor)> _acceptors = [];
    private volatile bool _isStopped;

    public EndPoint EndPoint => endPoint;

    public ClientAddressRule ClientAddress => clientAddress;

    public AcceptFilter Filter => filter;

    /// <summary>Begins to accept; one call for each socket.</summary>
    /// <param name="opened">Before that nobody is accepted.</param>
    public void Listen(EngineLoop loop, Socket socket, DescriptorReserve reserve, TimeProvider time, Task opened)
    {
        var acceptor = new EngineAcceptor(loop, this, socket, reserve, time);
        _acceptors.Add((loop, acceptor));
        if (opened.IsCompleted)
        {
            loop.Post(() => loop.Listen(acceptor));
        }
        else
        {
            _ = ListenAsync();
        }

        async Task ListenAsync()
        {
            await opened;
            if (!_isStopped)
            {
                loop.Post(() => loop.Listen(acceptor));
            }
        }
    }

    public EngineConnection Create(EngineLoop loop, int descriptor, IpKey peer) => new(loop, this, descriptor, peer, table);

    /// <summary>Takes in a connection that another process has accepted, before its loop knows it.</summary>
    /// <param name="handshake">The peer, where it is nobody's yet.</param>
    public void Adopt(EngineConnection connection, IpKey? handshake)
    {
        if (handshake is not { } peer)
        {
            table.Add(connection);
            return;
        }

        filter.Enter(connection, peer);
        if (connection.Claim.Kind == ProxyClaimKind.Client)
        {
            filter.Identify(connection, connection.Claim.Source);
        }
    }

    /// <summary>Gives a connection to Kestrel. From the loop that owns it.</summary>
    public void HandOver(EngineConnection connection)
    {
        var descriptor = connection.Detach();
        if (descriptor < 0)
        {
            return;
        }

        var handedOver = new HandedOverConnection(descriptor, table, clientAddress) { Claim = connection.Claim };
        var isPending = filter.TryReplace(connection, handedOver);
        connection.Retire();
        if (!isPending || !_handedOver.Writer.TryWrite(handedOver))
        {
            handedOver.Abort();
        }
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        await foreach (var handedOver in _handedOver.Reader.ReadAllAsync(cancellationToken))
        {
            var descriptor = handedOver.Take();
            if (descriptor < 0)
            {
                continue;
            }

            if (TryAdopt(descriptor) is not { } inner)
            {
                handedOver.Retire();
                continue;
            }

            var successor = new KestrelConnection(inner, table, clientAddress) { Claim = handedOver.Claim };
            var isPending = filter.TryReplace(handedOver, successor);
            handedOver.Retire();
            if (isPending)
            {
                return successor.Context;
            }

            inner.Abort();
            await inner.DisposeAsync();
        }

        return null;
    }

    /// <summary>Accepts no more; what it has accepted goes on.</summary>
    public async Task StopAsync()
    {
        _isStopped = true;
        List<(EngineLoop Loop, EngineAcceptor Acceptor)> acceptors = [.. _acceptors];
        _acceptors.Clear();
        await Task.WhenAll(acceptors.Select(UnlistenAsync));
    }

    /// <summary>Accepts no more, and waits until the engine's connections have ended; with the token they are reset.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await StopAsync();
        _handedOver.Writer.TryComplete();
        var open = table.All.OfType<EngineConnection>().Where(connection => connection.Listener == this).ToList();
        using var reset = cancellationToken.UnsafeRegister(_ => open.ForEach(connection => connection.Abort()), null);
        await Task.WhenAll(open.Select(GoneAsync));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // Null: the peer has reset it meanwhile. Thrown from here it would end Kestrel's accepting for good.
    private ConnectionContext? TryAdopt(int descriptor)
    {
        var handle = new SafeSocketHandle(descriptor, ownsHandle: true);
        try
        {
            return sockets.Create(new Socket(handle));
        }
        catch (SocketException)
        {
            handle.Dispose();
            return null;
        }
    }

    private static Task GoneAsync(EngineConnection connection)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.Closed.UnsafeRegister(_ => gone.TrySetResult(), null);
        return gone.Task;
    }

    private static Task UnlistenAsync((EngineLoop Loop, EngineAcceptor Acceptor) pair)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Loop.Post(() =>
        {
            pair.Loop.Unlisten(pair.Acceptor);
            pair.Acceptor.Dispose();
            done.SetResult();
        });
        return done.Task;
    }
}
