using System.Net.Sockets;
using System.Security.Authentication;

namespace Relay.AdminCli;

/// <summary>Turns what went wrong on the way to the relay into what to do about it.</summary>
internal static class ConnectFailure
{
    // To connect to a socket is to write to it.
    private const int GroupWrite = 0b_010_000;

    private const string NameIt = "or give its socket with --server or RELAY_ADMIN";

    public static string Describe(Exception cause, ServerAddress address)
    {
        var chain = Chain(cause).ToArray();
        var socket = chain.OfType<SocketException>().FirstOrDefault();
        var advice = address.SocketPath is { } path ? OnSocket(path, socket, chain) : OnTcp(socket, chain);
        return $"Cannot reach the relay at {address}: {advice}";
    }

    private static string OnSocket(string path, SocketException? socket, Exception[] chain)
    {
        var known = LibC.TryStat(path, out var status, out _);
        return socket?.SocketErrorCode switch
        {
            SocketError.AccessDenied => known ? Denied(status) : "permission denied: a folder on its path is closed to you. Run relayctl as relayd's user or with sudo.",
            _ when known && !status.IsSocket => "that file is not a socket. Give relayd's socket with --server or RELAY_ADMIN.",
            _ when !known && !File.Exists(path) => $"no such file. Is relayd running? Start it, {NameIt}.",
            SocketError.ConnectionRefused => "connection refused. The socket file is stale: no relayd is listening on it. Start relayd, which replaces it.",
            _ => Broken(chain),
        };
    }

    private static string Denied(LibC.FileStatus status)
    {
        var (user, group) = (UserNames.OfUser(status.UserId), UserNames.OfGroup(status.GroupId));
        var mode = Convert.ToString(status.Permissions, 8).PadLeft(4, '0');
        var byGroup = (status.Permissions & GroupWrite) != 0 ? $", or have yourself added to group {group}" : "";
        return $"permission denied. The socket belongs to user {user} and group {group} (mode {mode}).\nRun relayctl as {user} or with sudo{byGroup}.";
    }

    private static string OnTcp(SocketException? socket, Exception[] chain) => socket?.SocketErrorCode switch
    {
        _ when chain.OfType<UntrustedRelayException>().FirstOrDefault() is { } untrusted => untrusted.Message,
        SocketError.ConnectionRefused => "connection refused: nothing is listening there. Is relayd running with an admin listener on TCP? Check the port.",
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => "no such host. Check the name in --server or RELAY_ADMIN.",
        not null => $"{Printable.Clean(socket.Message)}. Check the address and the network.",
        null when chain.OfType<AuthenticationException>().FirstOrDefault() is { } tls => $"TLS failed: {Printable.Clean(tls.Message)} Check the scheme and the certificate.",
        null when chain.Any(e => e is TimeoutException or OperationCanceledException) => "no answer to the connection. Check the address and the network.",
        null => Broken(chain),
    };

    private static string Broken(Exception[] chain) =>
        chain.OfType<HttpRequestException>().Any(e => e.HttpRequestError is HttpRequestError.HttpProtocolError or HttpRequestError.InvalidResponse)
            ? "the server there does not speak gRPC. Give the admin address, not the public one."
            : "the connection broke. Is it relayd that listens there, and is it still running?";

    private static IEnumerable<Exception> Chain(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            yield return e;
        }
    }
}
