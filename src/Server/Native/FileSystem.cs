using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Relay.Native;

/// <summary>What .NET has no call for: hard links, folders that are flushed, locks that are waited for.</summary>
internal static unsafe partial class FileSystem
{
    private const int ReadOnlyCloseOnExec = 0x80000;

    // F_OFD_SETLKW of Linux: locks of an open file, and not those of flock, which .NET takes for its share modes.
    private const int SetLockAndWait = 38;
    private const short Exclusive = 1;

    /// <summary>Writes a folder's entries to the disk; does nothing where the folder cannot be opened.</summary>
    public static void FlushFolder(string folder)
    {
        if (!OperatingSystem.IsLinux() || Open(folder, ReadOnlyCloseOnExec) is not (>= 0 and var descriptor))
        {
            return;
        }

        _ = Flush(descriptor);
        Descriptors.Close(descriptor);
    }

    /// <summary>Gives a file a second name; false: it cannot, for example because the name is taken.</summary>
    public static bool TryLink(string existing, string path) => Link(existing, path) == 0;

    /// <summary>Waits until no other process has the file locked, and locks it until it is closed. False: the file system has no locks.</summary>
    public static bool Lock(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        // struct flock: kind, from where; 0 bytes from the start on are all of them.
        var all = stackalloc long[] { Exclusive, 0, 0, 0 };
        int result;
        do
        {
            result = Control((int)file.DangerousGetHandle(), SetLockAndWait, all);
        }
        while (result != 0 && Marshal.GetLastSystemError() == Errno.Interrupted);

        return result == 0;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int file, int command, void* value);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string path);
}
