using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using Relay.Transport.Kestrel;

namespace Relay.Transport.Engine;

/// <summary>The engine: its loops, which start with the first listener.</summary>
internal sealed class EngineTransport(
    PublicListenerOptions options,
    AcceptFilter filter,
    ConnectionTable table,
    ProxyHeaderGate proxyHeaders,
    ClientEntrance entrance,
    LoopStatistics statistics,
    IOptions<SocketTransportOptions> socketOptions,
    TimeProvider time,
    ILoggerFactory loggers) : IDisposable
{
    // SOL_SOCKET and SO_REUSEPORT of Linux.
    private const int SocketLevel = 1;
    private const int ReusePort = 15;

    private readonly SocketConnectionContextFactory _sockets = new(new SocketConnectionFactoryOptions(), loggers.CreateLogger<SocketConnectionContextFactory>());
    private EngineLoop[] _loops = [];
    private DescriptorReserve? _reserve;

    public EngineListener Bind(PublicEndPoint endPoint)
    {
        Start();
        var sockets = BindAll(endPoint);
        filter.Measure();
        var listener = new EngineListener(sockets[0].LocalEndPoint!, endPoint.ClientAddress, filter, table, _sockets);
        for (var i = 0; i < sockets.Count; i++)
        {
            listener.Listen(_loops[i], sockets[i], _reserve!, time);
        }

        return listener;
    }

    public void Dispose()
    {
        foreach (var loop in _loops)
        {
            loop.Dispose();
        }

        _reserve?.Dispose();
        _sockets.Dispose();
    }

    private void Start()
    {
        if (_loops.Length == 0)
        {
            _reserve = new DescriptorReserve();
            var count = options.Loops > 0 ? options.Loops : Math.Max(1, Environment.ProcessorCount - 1);
            _loops = [.. Enumerable.Range(1, count).Select(number => new EngineLoop(
                number, new EngineHandshakes(proxyHeaders, entrance, time), statistics, time, loggers.CreateLogger<EngineLoop>()))];
        }
    }

    // The first is bound as Kestrel would, and alone, so that a port that another process listens on is found to be taken.
    // The others share it.
    private List<Socket> BindAll(IPEndPoint endPoint)
    {
        var first = socketOptions.Value.CreateBoundListenSocket(endPoint);
        Share(first);
        var sockets = new List<Socket> { first };
        while (sockets.Count < _loops.Length)
        {
            var other = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(other);
            if (first.AddressFamily == AddressFamily.InterNetworkV6)
            {
                other.DualMode = first.DualMode;
            }

            Share(other);
            other.Bind(first.LocalEndPoint!);
        }

        foreach (var socket in sockets)
        {
            // Connections that are accepted have it from there.
            socket.NoDelay = true;
            socket.Blocking = false;
            socket.Listen(options.Backlog);
        }

        return sockets;
    }

    private static void Share(Socket socket) => socket.SetRawSocketOption(SocketLevel, ReusePort, BitConverter.GetBytes(1));
}
