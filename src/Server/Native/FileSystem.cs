using System.Runtime.InteropServices;

namespace Relay.Native;

/// <summary>What .NET has no call for: hard links, and folders that are flushed.</summary>
internal static partial class FileSystem
{
    private const int ReadOnlyCloseOnExec = 0x80000;

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

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string path);
}
