using Relay.Native;

namespace Relay.AuditLog;

/// <summary>
/// Appends lines to the file and renames it when it is full. The file is opened for each line: one that was moved away by
/// hand is made anew, and what a crash or a full disk left of a line is ended before the next is written. Locked while a line is written:
/// during an upgrade two processes write to it. Not thread-safe; the log guards it.
/// </summary>
internal sealed class AuditFile(AuditOptions options)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerOnlyFolder = OwnerOnly | UnixFileMode.UserExecute;

    // Fixed after construction; empty where there is no audit.
    private readonly string _path = options.File.Length > 0 ? Path.GetFullPath(options.File) : "";

    // As the last line that was written here has left it.
    private (FileStatus? File, long Length) _left = (null, -1);

    /// <summary>The file that is written to and those before it, the newest first, whether they exist or not.</summary>
    public IEnumerable<string> Paths => Enumerable.Range(0, options.KeepFiles + 1).Select(PathOf);

    /// <summary>Makes the folder and finds out whether the file can be written; closes it to others.</summary>
    public void Prepare()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!, OwnerOnlyFolder);
        Open().Dispose();
        File.SetUnixFileMode(_path, OwnerOnly);
    }

    /// <summary>Writes one line and its end in one piece. When this returns the operating system has it: a crash of the relay takes nothing back.</summary>
    /// <param name="make">Makes the line, a second time if need be; true: another process may have written to the file since the line before.</param>
    public void Append(Func<bool, byte[]> make)
    {
        using var file = OpenAlone();
        var line = make((FileStatus.Of(_path), file.Length) != _left);
        if (file.Length > 0 && file.Length + line.Length > options.MaxBytes)
        {
            // Under the lock of the full one. In the new one another process may be the first.
            Rotate();
            Append(make);
            return;
        }

        ReadOnlySpan<byte> end = "\n"u8;
        file.Write(EndsInMidLine(file) ? [.. end, .. line, .. end] : [.. line, .. end]);
        _left = (FileStatus.Of(_path), file.Length);
    }

    private static bool EndsInMidLine(FileStream file)
    {
        if (file.Length == 0)
        {
            return false;
        }

        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() != '\n';
    }

    // From the oldest on, so that a crash in between leaves a gap in the numbers and loses nothing.
    private void Rotate()
    {
        for (var number = options.KeepFiles; number > 0; number--)
        {
            if (File.Exists(PathOf(number - 1)))
            {
                File.Move(PathOf(number - 1), PathOf(number), overwrite: true);
            }
        }
    }

    // Waits while another process writes a line. It may have renamed the file in doing so.
    private FileStream OpenAlone()
    {
        while (true)
        {
            var file = Open();
            if (!FileSystem.Lock(file.SafeFileHandle) || FileStatus.Of(_path) == FileStatus.Of($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}"))
            {
                return file;
            }

            file.Dispose();
        }
    }

    private string PathOf(int number) => number == 0 ? _path : $"{_path}.{number}";

    // Unbuffered: what is written is written at once, and whole.
    private FileStream Open() => new(_path, new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.ReadWrite,
        Share = FileShare.ReadWrite | FileShare.Delete,
        UnixCreateMode = OwnerOnly,
        BufferSize = 0,
    });
}
