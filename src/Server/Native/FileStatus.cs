using System.Runtime.InteropServices;

namespace Relay.Native;

/// <summary>Whose a file is, what it is, and which one. Linux only: statx has one layout on every architecture, which stat has not.</summary>
internal readonly partial record struct FileStatus(uint Owner, bool IsSocket, ulong Inode, ulong Device)
{
    private const int WorkingFolder = -100;
    private const int NoFollow = 0x100;
    private const uint BasicFields = 0x7ff;
    private const int KindMask = 0xf000;
    private const int SocketKind = 0xc000;

    /// <summary>Null: there is no such file, or the system does not say.</summary>
    public static FileStatus? Of(string path) => Read(path, 0);

    /// <summary>The same of a link itself and not of what it leads to.</summary>
    public static FileStatus? OfLink(string path) => Read(path, NoFollow);

    private static FileStatus? Read(string path, int flags) =>
        OperatingSystem.IsLinux() && Statx(WorkingFolder, path, flags, BasicFields, out var status) == 0
            ? new FileStatus(
                status.Owner,
                (status.Mode & KindMask) == SocketKind,
                status.Inode,
                ((ulong)status.DeviceMajor << 32) | status.DeviceMinor)
            : null;

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint fields, out StatxHead status);

    /// <summary>What is read of struct statx, and its size.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private readonly struct StatxHead
    {
        [FieldOffset(20)]
        public readonly uint Owner;

        [FieldOffset(28)]
        public readonly ushort Mode;

        [FieldOffset(32)]
        public readonly ulong Inode;

        [FieldOffset(136)]
        public readonly uint DeviceMajor;

        [FieldOffset(140)]
        public readonly uint DeviceMinor;
    }
}
