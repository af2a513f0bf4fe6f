using System.ComponentModel;
using System.Net.Sockets;
using Relay.Native;

namespace Relay.AdminAuth;

/// <summary>The admin listener's Unix socket: where it is, and how it is created so that no other user can ever use it.</summary>
internal sealed class AdminSocket
{
    private const UnixFileMode DirectoryMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    // Of the file that was made; null: none was.
    private string? _path;
    private FileStatus? _made;

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

    /// <summary>Makes and binds the socket, in a folder in which no other user can replace it.</summary>
    public Socket Bind(UnixDomainSocketEndPoint endpoint)
    {
        var path = endpoint.ToString();
        var directory = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(directory, DirectoryMode);
        CheckFolder(directory);
        RemoveStale(path, endpoint);
        try
        {
            var socket = UnixSocketFile.Bind(endpoint);
            (_path, _made) = (path, FileStatus.OfLink(path));
            return socket;
        }
        catch (Win32Exception exception)
        {
            throw new IOException($"cannot make the admin socket {path}: {exception.Message}; name another in Admin:Socket", exception);
        }
    }

    /// <summary>Takes over a socket that was inherited, and its file; null: that is gone, so that nobody could connect to it.</summary>
    public Socket? Adopt(UnixDomainSocketEndPoint endpoint, Socket inherited)
    {
        if (FileStatus.OfLink(endpoint.ToString()) is not { IsSocket: true } file)
        {
            inherited.Dispose();
            return null;
        }

        (_path, _made) = (endpoint.ToString(), file);
        return inherited;
    }

    /// <summary>Another process has the socket now, and its file.</summary>
    public void Leave() => _made = null;

    /// <summary>The file that <see cref="Bind"/> has made is gone, and nothing else has its name.</summary>
    public bool IsMissing => _path is not null && _made is not null && FileStatus.OfLink(_path) is null;

    /// <summary>Removes the file that <see cref="Bind"/> has made, unless something else has its name by now.</summary>
    public void Remove()
    {
        if (_path is not null && _made is not null && FileStatus.OfLink(_path) == _made)
        {
            File.Delete(_path);
        }
    }

    // Whoever owns a folder may replace what is in it, and whoever made a link may lead it elsewhere.
    private static void CheckFolder(string directory)
    {
        foreach (var status in new[] { FileStatus.OfLink(directory), FileStatus.Of(directory) })
        {
            if (status is { Owner: var owner } && owner != 0 && owner != CurrentUser.Id())
            {
                throw new IOException(
                    $"{directory} belongs to user {owner}, who could replace the admin socket; chown it to the user that runs relayd, or name a socket in another folder with Admin:Socket");
            }
        }

        if ((File.GetUnixFileMode(directory) & (UnixFileMode.OtherWrite | UnixFileMode.StickyBit)) == UnixFileMode.OtherWrite)
        {
            throw new IOException($"{directory} is writable by every user, who could replace the admin socket; chmod o-w it, or set Admin:Socket");
        }
    }

    // A socket file outlives a killed process; one that still answers belongs to a running relay.
    private static void RemoveStale(string path, UnixDomainSocketEndPoint endpoint)
    {
        var status = FileStatus.OfLink(path);
        if (status is null && !File.Exists(path))
        {
            return;
        }

        if (status is { IsSocket: false })
        {
            throw new IOException($"{path} exists and is not a socket; move it away, or name another path in Admin:Socket");
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
