using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Relay.Transport;

namespace Relay.AdminAuth;

/// <summary>Opens the sockets of all listeners. Where one cannot be had, says which and what to do.</summary>
internal static class BoundSocket
{
    public static Socket Open(EndPoint endpoint, AdminSocket admin, OpenListeners listeners)
    {
        try
        {
            return listeners.Add(endpoint switch
            {
                UnixDomainSocketEndPoint unix => (listeners.Inherited.Take(unix) is { } socket ? admin.Adopt(unix, socket) : null) ?? admin.Bind(unix),
                IPEndPoint open when listeners.Inherited.Take(open) is { } socket => socket,
                _ => SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint),
            });
        }
        catch (SocketException exception)
        {
            var advice = exception.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "address already in use, perhaps by another relayd; stop that one, or choose another port",
                SocketError.AddressNotAvailable when endpoint is IPEndPoint => "this machine has no such address",
                SocketError.AccessDenied when endpoint is IPEndPoint { Port: < 1024 } => "ports below 1024 are root's; choose another, or give relayd the capability CAP_NET_BIND_SERVICE",
                _ => exception.Message,
            };
            throw new IOException($"cannot listen on {endpoint}: {advice}", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new IOException($"cannot make the admin socket {endpoint}: {exception.Message.TrimEnd('.')}; name another in Admin:Socket", exception);
        }
    }
}
