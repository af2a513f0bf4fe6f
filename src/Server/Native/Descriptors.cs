using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Relay.Native;

/// <summary>Closing descriptors, and those that are not sockets: the one that wakes a loop, the one kept in reserve.</summary>
internal static unsafe partial class Descriptors
{
    private const int NonBlockingCloseOnExec = 0x80800;
    private const int CloseOnExec = 0x80000;

    // F_DUPFD_CLOEXEC of Linux.
    private const int DuplicateCloseOnExec = 1030;

    // Once only, whatever it returns: on Linux the descriptor is gone even after EINTR.
    public static void Close(int descriptor) => _ = CloseOnce(descriptor);

    /// <summary>A descriptor that is readable after <see cref="Signal"/> and until <see cref="Clear"/>.</summary>
    public static int CreateEvent()
    {
        var descriptor = EventDescriptor(0, NonBlockingCloseOnExec);
        return descriptor >= 0 ? descriptor : throw new Win32Exception(Marshal.GetLastSystemError());
    }

    public static void Signal(int descriptor)
    {
        ulong one = 1;
        _ = Write(descriptor, &one, sizeof(ulong));
    }

    public static void Clear(int descriptor)
    {
        ulong count;
        _ = Read(descriptor, &count, sizeof(ulong));
    }

    /// <summary>Another descriptor for the same.</summary>
    public static int Duplicate(int descriptor)
    {
        var other = Control(descriptor, DuplicateCloseOnExec, 0);
        return other >= 0 ? other : throw new Win32Exception(Marshal.GetLastSystemError());
    }

    /// <summary>A descriptor that does nothing but take up a slot; negative: there is none left.</summary>
    public static int OpenNull() => Open("/dev/null", CloseOnExec);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseOnce(int descriptor);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int value);

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial int EventDescriptor(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(int descriptor, void* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int descriptor, void* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
