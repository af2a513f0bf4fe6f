using System.Runtime.InteropServices;

namespace Relay.Native;

/// <summary>
/// A pair of connected Unix sockets between two processes, and descriptors that travel beside bytes (SCM_RIGHTS, unix(7)). Calls wait, up to
/// the time of <see cref="SetTimeout"/>; each returns what the system does, or the negated <see cref="Errno"/>. 64-bit Linux only.
/// </summary>
internal static unsafe partial class PassedDescriptors
{
    /// <summary>That travel with one call (SCM_MAX_FD is 253).</summary>
    public const int Max = 250;

    private const int UnixFamily = 1;
    private const int StreamCloseOnExec = 0x80001;
    private const int SetDescriptorFlags = 2;
    private const int NoSignal = 0x4000;
    private const int CloseOnExecWhenReceived = 0x4000_0000;
    private const int SocketLevel = 1;
    private const int Rights = 1;
    private const int ReceiveTimeout = 20;
    private const int SendTimeout = 21;

    // struct cmsghdr: length, level, type; the descriptors follow.
    private const int ControlHead = 16;

    /// <summary>Two sockets that a program which is started does not have.</summary>
    public static bool TryCreatePair(out int first, out int second)
    {
        var pair = stackalloc int[2];
        var result = SocketPair(UnixFamily, StreamCloseOnExec, 0, pair);
        (first, second) = (pair[0], pair[1]);
        return result == 0;
    }

    /// <summary>Whether a program that this process starts has the descriptor too.</summary>
    public static void SetInheritable(int descriptor, bool isInheritable) => _ = Control(descriptor, SetDescriptorFlags, isInheritable ? 0 : 1);

    /// <summary>How long one call waits.</summary>
    public static void SetTimeout(int descriptor, TimeSpan timeout)
    {
        // struct timeval. 0 would be for ever.
        var value = stackalloc long[] { (long)timeout.TotalSeconds, Math.Max(1, timeout.Microseconds + (timeout.Milliseconds * 1000)) };
        _ = SetOption(descriptor, SocketLevel, ReceiveTimeout, value, 2 * sizeof(long));
        _ = SetOption(descriptor, SocketLevel, SendTimeout, value, 2 * sizeof(long));
    }

    /// <summary>Sends bytes, at least one, and descriptors with the first of them.</summary>
    public static int Send(int socket, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors)
    {
        var control = stackalloc byte[ControlBytes(Max)];
        fixed (byte* start = bytes)
        {
            var part = new Part { Start = start, Length = bytes.Length };
            var message = new Message { Parts = &part, PartCount = 1 };
            if (descriptors.Length > 0)
            {
                message.Control = control;
                message.ControlLength = ControlBytes(descriptors.Length);
                *(long*)control = ControlHead + (descriptors.Length * sizeof(int));
                ((int*)control)[2] = SocketLevel;
                ((int*)control)[3] = Rights;
                descriptors.CopyTo(new Span<int>(control + ControlHead, descriptors.Length));
            }

            int sent;
            do
            {
                sent = (int)SendMessage(socket, &message, NoSignal);
            }
            while (sent < 0 && Marshal.GetLastSystemError() == Errno.Interrupted);

            return sent >= 0 ? sent : -Marshal.GetLastSystemError();
        }
    }

    /// <summary>Takes bytes, 0 when there are no more, and the descriptors that came with them, which are the caller's to close.</summary>
    public static int Receive(int socket, Span<byte> bytes, List<int> descriptors)
    {
        var control = stackalloc byte[ControlBytes(Max)];
        fixed (byte* start = bytes)
        {
            var part = new Part { Start = start, Length = bytes.Length };
            var message = new Message { Parts = &part, PartCount = 1, Control = control, ControlLength = ControlBytes(Max) };
            int received;
            do
            {
                received = (int)ReceiveMessage(socket, &message, CloseOnExecWhenReceived);
            }
            while (received < 0 && Marshal.GetLastSystemError() == Errno.Interrupted);

            if (received < 0)
            {
                return -Marshal.GetLastSystemError();
            }

            if (message.ControlLength >= ControlHead && ((int*)control)[2] == SocketLevel && ((int*)control)[3] == Rights)
            {
                descriptors.AddRange(new ReadOnlySpan<int>(control + ControlHead, (int)(*(long*)control - ControlHead) / sizeof(int)));
            }

            return received;
        }
    }

    private static int ControlBytes(int descriptors) => ControlHead + ((descriptors * sizeof(int)) + 7) / 8 * 8;

    [LibraryImport("libc", EntryPoint = "socketpair")]
    private static partial int SocketPair(int family, int type, int protocol, int* pair);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int value);

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    private static partial int SetOption(int descriptor, int level, int name, void* value, int length);

    [LibraryImport("libc", EntryPoint = "sendmsg")]
    private static partial nint SendMessage(int socket, Message* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg")]
    private static partial nint ReceiveMessage(int socket, Message* message, int flags);

    /// <summary>struct iovec.</summary>
    private struct Part
    {
        public byte* Start;
        public nint Length;
    }

    /// <summary>What is used of struct msghdr, and its size.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 56)]
    private struct Message
    {
        [FieldOffset(16)]
        public Part* Parts;

        [FieldOffset(24)]
        public nint PartCount;

        [FieldOffset(32)]
        public void* Control;

        [FieldOffset(40)]
        public nint ControlLength;
    }
}
