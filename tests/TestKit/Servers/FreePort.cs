using System.Net;
using System.Net.Sockets;

namespace Relay.TestKit;

/// <summary>
/// Loopback ports for servers that are started, stopped and started again. The system gives such a port to nobody in between: they lie below those that it
/// gives by itself, each is taken once, and each test process takes them from a part of its own.
/// </summary>
internal static class FreePort
{
    private const int First = 20_000;
    private const int Parts = 24;
    private const int PartSize = 500;

    private static readonly Lock Lock = new();

    // Held open, and by that locked, until the process ends.
    private static readonly FileStream Part = TakePart(out _next);

    // Guarded by Lock.
    private static int _next;

    public static int Take()
    {
        lock (Lock)
        {
            for (var tries = 0; tries < PartSize; tries++)
            {
                var port = _next;
                _next = (port + 1 - First) % PartSize == 0 ? port + 1 - PartSize : port + 1;
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                try
                {
                    socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                    return port;
                }
                catch (SocketException)
                {
                    // Somebody else's.
                }
            }
        }

        throw new InvalidOperationException($"no port is free in {Part.Name}");
    }

    private static FileStream TakePart(out int first)
    {
        for (var part = 0; part < Parts; part++)
        {
            try
            {
                first = First + (part * PartSize);
                return new FileStream(Path.Combine(Path.GetTempPath(), $"relay-test-ports-{first}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Another test process has it, or another user's had.
            }
        }

        throw new InvalidOperationException("too many test processes run at once");
    }
}
