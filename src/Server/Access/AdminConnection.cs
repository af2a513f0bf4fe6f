using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Relay.Access;

/// <summary>One connection of the admin listener. That a request comes over one is what lets it reach gRPC at all.</summary>
internal sealed class AdminConnection
{
    private AdminConnection(string transport, string address, PeerProcess? process)
    {
        Transport = transport;
        Address = address;
        Process = process;
    }

    /// <summary>"unix".</summary>
    public string Transport { get; }

    /// <summary>Where the caller is: the socket's path.</summary>
    public string Address { get; }

    /// <summary>Who is at the other end of a Unix socket.</summary>
    public PeerProcess? Process { get; }

    /// <summary>Runs one accepted connection with its place in the features.</summary>
    public static Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        connection.Features.Set(new AdminConnection(
            "unix",
            connection.LocalEndPoint is UnixDomainSocketEndPoint path ? $"{path}" : "",
            socket is null ? null : PeerProcess.Of(socket)));
        return next(connection);
    }
}
