using System.Net.Sockets;
using Relay.Native;

namespace Relay.AdminAuth;

/// <summary>The admin listener's Unix socket: where it is, and how it is created so that no other user can ever use it.</summary>
internal static class AdminSocket
{
    private const UnixFileMode DirectoryMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    private const UnixFileMode SocketMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    public static string PathOf(AdminOptions options)
    {
        if (options.Socket.Length > 0)
        {
            return Path.GetFullPath(options.Socket);
        }

        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime)
        {
            return Path.Combine(runtime, "relay", "admin.sock");
        }

        return CurrentUser.Id() == 0 ? "/run/relay/admin.sock" : $"/tmp/relay-{CurrentUser.Id()}/admin.sock";
    }

    /// <summary>Makes and binds the socket. The mode is set before the caller listens on it, so no process connects earlier.</summary>
    public static Socket Bind(UnixDomainSocketEndPoint endpoint)
    {
        var path = endpoint.ToString();
        var directory = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(directory, DirectoryMode);
        if ((File.GetUnixFileMode(directory) & (UnixFileMode.OtherWrite | UnixFileMode.StickyBit)) == UnixFileMode.OtherWrite)
        {
            throw new IOException($"{directory} is writable by every user, who could replace the admin socket; chmod o-w it, or set Admin:Socket");
        }

        RemoveStale(path, endpoint);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endpoint);
            File.SetUnixFileMode(path, SocketMode);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // A socket file outlives a killed process; one that still answers belongs to a running relay.
    private static void RemoveStale(string path, UnixDomainSocketEndPoint endpoint)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(endpoint);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }

        throw new IOException($"another relayd answers at {path}; stop it, or give this one its own Admin:Socket");
    }
}
