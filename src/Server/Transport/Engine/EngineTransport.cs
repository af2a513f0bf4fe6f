using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using Relay.Native;
using Relay.Transport.Kestrel;

namespace Relay.Transport.Engine;

/// <summary>The engine: its listeners, and what they share beside its loops, which start with the first of them.</summary>
internal sealed class EngineTransport(
    PublicListenerOptions options,
    AcceptFilter filter,
    ConnectionTable table,
    EngineLoops loops,
    OpenListeners listeners,
    IOptions<SocketTransportOptions> socketOptions,
    TimeProvider time,
    ILoggerFactory loggers) : IDisposable
{
    // SOL_SOCKET and SO_REUSEPORT, IPPROTO_TCP and TCP_DEFER_ACCEPT of Linux.
    private const int SocketLevel = 1;
    private const int ReusePort = 15;
    private const int TcpLevel = 6;
    private const int DeferAccept = 9;

    // Of somebody who sends nothing; about that, for the system counts in retransmissions.
    private const int DeferSeconds = 1;

    private readonly SocketConnectionContextFactory _sockets = new(new SocketConnectionFactoryOptions(), loggers.CreateLogger<SocketConnectionContextFactory>());
    private DescriptorReserve? _reserve;

    public EngineListener Bind(PublicEndPoint endPoint)
    {
        var all = loops.Start();
        _reserve ??= new DescriptorReserve();
        var sockets = BindAll(endPoint, all.Length);
        filter.Measure();
        var listener = new EngineListener(sockets[0].LocalEndPoint!, endPoint.ClientAddress, filter, table, _sockets);
        for (var i = 0; i < sockets.Count; i++)
        {
            listener.Listen(all[i % all.Length], sockets[i], _reserve, time, listeners.Opened);
        }

        listeners.Add(listener.StopAsync);
        loops.Listeners.Add(listener);
        return listener;
    }

    public void Dispose()
    {
        loops.Dispose();
        _reserve?.Dispose();
        _sockets.Dispose();
    }

    // The first is bound as Kestrel would, and alone, so that a port that another process listens on is found to be taken.
    // The others share it.
    private List<Socket> BindAll(IPEndPoint endPoint, int count)
    {
        var first = socketOptions.Value.CreateBoundListenSocket(endPoint);
        var sockets = new List<Socket> { first };
        if (InheritedSockets.Listens(first))
        {
            // In each wait connections of its own, so that all of them are listened on, however many there are loops.
            while (listeners.Inherited.Take(first.LocalEndPoint!) is { } another)
            {
                sockets.Add(listeners.Add(another));
            }

            // Who bound it may not share its port: every loop accepts from the same queue.
            for (var i = sockets.Count; i < count; i++)
            {
                sockets.Add(listeners.Add(new Socket(new SafeSocketHandle(Descriptors.Duplicate((int)first.Handle), ownsHandle: true))));
            }

            return Listen(sockets);
        }

        Share(first);
        while (sockets.Count < count)
        {
            var other = listeners.Add(new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
            sockets.Add(other);
            if (first.AddressFamily == AddressFamily.InterNetworkV6)
            {
                other.DualMode = first.DualMode;
            }

            Share(other);
            other.Bind(first.LocalEndPoint!);
        }

        return Listen(sockets);
    }

    private List<Socket> Listen(List<Socket> sockets)
    {
        foreach (var socket in sockets)
        {
            // Connections that are accepted have it from there.
            socket.NoDelay = true;
            socket.Blocking = false;

            // A connection is not offered before its first bytes are there: they are read with no event of their own, and the loop wakes once for
            // many clients. Whoever sends nothing costs the system 300 bytes and is offered after the delay, to be timed by the handshake guard.
            SetOption(socket, TcpLevel, DeferAccept, DeferSeconds);
            socket.Listen(options.Backlog);
        }

        return sockets;
    }

    private static void Share(Socket socket) => SetOption(socket, SocketLevel, ReusePort, 1);

    private static void SetOption(Socket socket, int level, int name, int value) => socket.SetRawSocketOption(level, name, BitConverter.GetBytes(value));
}
