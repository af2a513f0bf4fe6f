using System.Buffers.Binary;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;

namespace Relay.Admin;

/// <summary>Who calls: the kernel's word for the process at the other end of the Unix socket.</summary>
internal static class AdminCaller
{
    // SOL_SOCKET and SO_PEERCRED of Linux, and its struct ucred: pid, uid, gid (unix(7)).
    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;

    public static string Describe(ServerCallContext context)
    {
        var socket = context.GetHttpContext().Features.Get<IConnectionSocketFeature>()?.Socket;
        if (socket is null || !OperatingSystem.IsLinux())
        {
            return context.Peer;
        }

        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        return $"uid={Read(credentials[4..])} gid={Read(credentials[8..])} pid={Read(credentials)}";
    }

    private static int Read(ReadOnlySpan<byte> bytes) =>
        BitConverter.IsLittleEndian ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : BinaryPrimitives.ReadInt32BigEndian(bytes);
}
