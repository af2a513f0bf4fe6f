using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Relay.Native;

/// <summary>
/// Calls on sockets that never wait and never raise SIGPIPE. Each returns what the system does, or the negated
/// <see cref="Errno"/>; an interrupted call is repeated.
/// </summary>
internal static unsafe partial class Sockets
{
    private const int Peek = 0x02;
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int NonBlockingCloseOnExec = 0x80800;
    private const int SocketLevel = 1;
    private const int Linger = 13;
    private const int Writing = 1;
    private const int Ipv4Family = 2;

    // struct sockaddr_in6, the longest that a TCP socket has; the family is in the byte order of the machine.
    private const int AddressBytes = 28;

    /// <summary>Accepts a connection. The peer's address is 128 bits; an IPv4 address is in its last 32, after ::ffff:.</summary>
    public static int Accept(int listener, out ulong high, out ulong low)
    {
        var address = stackalloc byte[AddressBytes];
        int descriptor;
        do
        {
            var length = AddressBytes;
            descriptor = Result(Accept(listener, address, &length, NonBlockingCloseOnExec));
        }
        while (descriptor == -Errno.Interrupted);

        var bytes = new ReadOnlySpan<byte>(address, AddressBytes);
        (high, low) = *(ushort*)address == Ipv4Family
            ? (0UL, 0xFFFF_0000_0000UL | BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]))
            : (BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]));
        return descriptor;
    }

    /// <summary>Takes what has come, as far as it fits; 0: the peer sends no more.</summary>
    public static int Receive(int descriptor, Span<byte> buffer) => Receive(descriptor, buffer, DontWait);

    /// <summary>The same, and leaves it there.</summary>
    public static int Look(int descriptor, Span<byte> buffer) => Receive(descriptor, buffer, DontWait | Peek);

    /// <summary>Sends as much as the system takes.</summary>
    public static int Send(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            int sent;
            do
            {
                sent = Result((int)Send(descriptor, start, bytes.Length, DontWait | NoSignal));
            }
            while (sent == -Errno.Interrupted);

            return sent;
        }
    }

    /// <summary>Tells the peer that nothing more comes.</summary>
    public static void FinishSending(int descriptor) => _ = Shutdown(descriptor, Writing);

    /// <summary>Closes in order, or with a reset.</summary>
    public static void Close(int descriptor, bool isReset)
    {
        if (isReset)
        {
            Reset(descriptor);
        }
        else
        {
            Descriptors.Close(descriptor);
        }
    }

    /// <summary>Closes with a reset: nothing that waits is sent any more.</summary>
    public static void Reset(int descriptor)
    {
        // struct linger: on, for no time.
        var linger = stackalloc int[] { 1, 0 };
        _ = SetOption(descriptor, SocketLevel, Linger, linger, 2 * sizeof(int));
        Descriptors.Close(descriptor);
    }

    private static int Receive(int descriptor, Span<byte> buffer, int flags)
    {
        fixed (byte* start = buffer)
        {
            int received;
            do
            {
                received = Result((int)Receive(descriptor, start, buffer.Length, flags));
            }
            while (received == -Errno.Interrupted);

            return received;
        }
    }

    // The error number is read before anything else can run on this thread.
    private static int Result(int result) => result >= 0 ? result : -Marshal.GetLastSystemError();

    [LibraryImport("libc", EntryPoint = "accept4")]
    private static partial int Accept(int listener, byte* address, int* length, int flags);

    [LibraryImport("libc", EntryPoint = "recv")]
    private static partial nint Receive(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "send")]
    private static partial nint Send(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    private static partial int Shutdown(int descriptor, int how);

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    private static partial int SetOption(int descriptor, int level, int name, int* value, int length);
}
