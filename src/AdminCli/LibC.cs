using System.Runtime.InteropServices;

namespace Relay.AdminCli;

/// <summary>The few things that .NET does not ask the system: who am I, whose file is this, how large is the terminal, which mode is it in, become another program.</summary>
internal static partial class LibC
{
    private const int AtCurrentDirectory = -100;
    private const uint StatxBasicStats = 0x7ff;
    private const nuint TiocGetWindowSize = 0x5413;
    private const int StandardInput = 0;
    private const int StandardOutput = 1;

    // struct termios is smaller on every system; what is in it is for the C library alone to know.
    private const int TerminalModeBytes = 256;

    // Once what was written is out; keys that were typed and not read are thrown away, not left to the shell.
    private const int WhenDrainedAndFlushed = 2;

    // As Linux numbers them on all that .NET runs on.
    private const int SignalStop = 19;
    private const int SignalTerminalStop = 20;

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

    /// <summary>The mode of the terminal that is standard input; null where it is none.</summary>
    public static byte[]? TerminalMode()
    {
        var mode = new byte[TerminalModeBytes];
        return !OperatingSystem.IsWindows() && GetTerminalMode(StandardInput, mode) == 0 ? mode : null;
    }

    public static void SetTerminalMode(byte[] mode) => _ = SetTerminalMode(StandardInput, WhenDrainedAndFlushed, mode);

    /// <summary>The same mode, but every key comes at once and as it is, and nothing is shown of it.</summary>
    public static byte[] Raw(byte[] mode)
    {
        var raw = mode.ToArray();
        MakeRaw(raw);
        return raw;
    }

    /// <summary>Suspends this process until it is continued.</summary>
    public static void Stop() => _ = Kill(Environment.ProcessId, SignalStop);

    /// <summary>What a terminal sends at Ctrl-Z, to everything that runs in its foreground.</summary>
    public static void StopForeground() => _ = Kill(0, SignalTerminalStop);

    /// <summary>Becomes another program, with the terminal and the environment of this one. Returns only where that fails: why.</summary>
    /// <param name="words">The name that it is called by, then its arguments.</param>
    public static string Execute(string program, IReadOnlyList<string> words)
    {
        _ = ExecuteProgram(program, [.. words, null]);
        return Marshal.GetLastPInvokeErrorMessage();
    }

    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExecuteProgram(string program, string?[] words);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Ioctl(int descriptor, nuint request, out WindowSize size);

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetTerminalMode(int descriptor, [Out] byte[] mode);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetTerminalMode(int descriptor, int when, byte[] mode);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw([In, Out] byte[] mode);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

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
