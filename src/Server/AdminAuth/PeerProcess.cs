using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Relay.AdminAuth;

/// <summary>The process at the other end of a Unix socket, by the kernel's word of the moment when it connected.</summary>
internal sealed record PeerProcess(uint UserId, uint GroupId, int ProcessId, IReadOnlyList<uint> Groups)
{
    // SOL_SOCKET, SO_PEERCRED and SO_PEERGROUPS of Linux (unix(7), socket(7)).
    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;
    private const int PeerGroups = 59;

    // A process has at most 65,536 supplementary groups; hardly one has more than a few.
    private const int FewGroups = 64;
    private const int MaxGroups = 65_536;

    /// <summary>Null where the system does not report it.</summary>
    public static PeerProcess? Of(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        // struct ucred: pid, uid, gid.
        var credentials = new uint[3];
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, MemoryMarshal.AsBytes(credentials.AsSpan()));
        return new PeerProcess(credentials[1], credentials[2], (int)credentials[0], ReadGroups(socket));
    }

    /// <summary>"uid=1000(kay) gid=1000 pid=4242".</summary>
    public string Description { get; } = $"uid={UserId}{Named(PasswdFile.UserName(UserId))} gid={GroupId} pid={ProcessId}";

    private static string Named(string? name) => name is null ? "" : $"({name})";

    // None where the kernel is too old to report them (before Linux 4.13).
    private static uint[] ReadGroups(Socket socket) => ReadGroups(socket, FewGroups) ?? ReadGroups(socket, MaxGroups) ?? [];

    // Null: they did not fit.
    private static uint[]? ReadGroups(Socket socket, int most)
    {
        var groups = new uint[most];
        try
        {
            var bytes = socket.GetRawSocketOption(SocketLevel, PeerGroups, MemoryMarshal.AsBytes(groups.AsSpan()));
            return groups[..(bytes / sizeof(uint))];
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
