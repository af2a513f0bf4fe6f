using System.Runtime.InteropServices;

namespace Relay.AdminCli;

/// <summary>The few questions that .NET does not ask the system: who am I, whose file is this, how large is the terminal.</summary>
internal static partial class LibC
{
    private const int AtCurrentDirectory = -100;
    private const uint StatxBasicStats = 0x7ff;
    private const nuint TiocGetWindowSize = 0x5413;
    private const int StandardOutput = 1;

    public static uint EffectiveUserId => GetEffectiveUserId();

    /// <summary>False where the file or the call is missing; errno is then the reason, 0 where there is no such call.</summary>
    public static bool TryStat(string path, out FileStatus status, out int errno)
    {
        status = default;
        errno = 0;
        // statx has one layout on every architecture, which stat has not. Other systems than Linux do without.
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        if (Statx(AtCurrentDirectory, path, 0, StatxBasicStats, out status) == 0)
        {
            return true;
        }

        errno = Marshal.GetLastPInvokeError();
        return false;
    }

    /// <summary>
    /// Asked of the system and not of <see cref="Console"/>, which would switch the terminal's keypad mode and leave it so.
    /// </summary>
    public static bool TryGetWindowSize(out int columns, out int rows)
    {
        columns = rows = 0;
        if (!OperatingSystem.IsLinux() || Ioctl(StandardOutput, TiocGetWindowSize, out var size) != 0)
        {
            return false;
        }

        (columns, rows) = (size.Columns, size.Rows);
        return columns > 0 && rows > 0;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Ioctl(int descriptor, nuint request, out WindowSize size);

    /// <summary>The head of struct statx (256 bytes).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct FileStatus
    {
        [FieldOffset(20)]
        public uint UserId;

        [FieldOffset(24)]
        public uint GroupId;

        [FieldOffset(28)]
        public ushort Mode;

        public readonly bool IsSocket => (Mode & 0xF000) == 0xC000;

        public readonly int Permissions => Mode & 0x1FF;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort PixelsWide;
        public ushort PixelsHigh;
    }
}
