using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Relay.Transport;

namespace Relay.AdminAuth;

/// <summary>
/// The listener of the admin socket. When its file is gone, because something has cleaned up the folder, it is made anew: without its name
/// nobody could connect, and the relay would have to be restarted for it.
/// </summary>
internal sealed partial class AdminSocketListener(SocketTransportFactory sockets, AdminSocket socket, OpenListeners listeners, ILogger<AdminSocketListener> logger)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector, IConnectionListener
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly UnixDomainSocketEndPoint _none = new("/");
    private UnixDomainSocketEndPoint? _endPoint;

    // Those before: the connections that they accepted live on what is disposed with them. Periodic work only, and the stop.
    private readonly List<IConnectionListener> _past = [];

    // Replaced when the file is gone; the one before ends then, and whoever accepts goes on with this.
    private volatile IConnectionListener? _inner;
    private volatile bool _isUnbound;
    private bool _isDisposed;

    public EndPoint EndPoint => _endPoint ?? _none;

    public bool CanBind(EndPoint endpoint) => endpoint is UnixDomainSocketEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        _inner = await sockets.BindAsync(endpoint, cancellationToken);
        _endPoint = (UnixDomainSocketEndPoint)endpoint;
        listeners.Add(() => UnbindAsync().AsTask());
        return this;
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var inner = _inner!;
            if (await inner.AcceptAsync(cancellationToken) is { } connection)
            {
                return connection;
            }

            if (_isUnbound || inner == _inner)
            {
                return null;
            }
        }
    }

    /// <summary>Looks whether the file is there.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        if (_endPoint is null || _isUnbound || !socket.IsMissing)
        {
            return;
        }

        try
        {
            var next = await sockets.BindAsync(_endPoint, cancellationToken);
            var last = _inner!;
            _inner = next;
            _past.Add(last);
            await last.UnbindAsync(cancellationToken);
            Log.MadeAnew(logger, _endPoint);
        }
        catch (IOException exception)
        {
            Log.NotMade(logger, _endPoint, exception.Message);
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _isUnbound = true;
        return _inner!.UnbindAsync(cancellationToken);
    }

    /// <summary>By the web server, which does so only with what it has bound, and by whoever made it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_inner is { } inner && !_isDisposed)
        {
            _isDisposed = true;
            foreach (var listener in _past.Append(inner))
            {
                await listener.DisposeAsync();
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The admin socket {Path} was gone and has been made anew")]
        public static partial void MadeAnew(ILogger logger, EndPoint path);

        [LoggerMessage(2, LogLevel.Warning, "The admin socket {Path} is gone and cannot be made anew: {Problem}")]
        public static partial void NotMade(ILogger logger, EndPoint path, string problem);
    }
}
