using Microsoft.Extensions.Logging.Abstractions;
using Relay.Native;

namespace Relay.Policy;

/// <summary>
/// The file that every change of the policy is appended to, flushed to the disk before it is confirmed.
/// After a crash at any moment it holds whole lines and at most one torn line, which was never confirmed. One writer at a
/// time; the store sees to that.
/// </summary>
internal sealed partial class PolicyJournal(string path, ILogger<PolicyJournal>? logger = null)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly ILogger _logger = logger ?? NullLogger<PolicyJournal>.Instance;

    // Of whole lines, as far as we wrote or read them; what the file has beyond that is not ours.
    private long _length;

    // Of the file when it was last written whole.
    private long _compacted;

    public string Path => path;

    /// <summary>Only read: a torn last line is left to the start that truncates it.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>A file of less is not worth compacting.</summary>
    public long MinCompactBytes { get; init; } = 1 << 20;

    /// <summary>
    /// All entries with their lines, none where there is no file. A torn last line is truncated. Throws
    /// <see cref="InvalidDataException"/> that names the line and what is wrong with it.
    /// </summary>
    public IReadOnlyList<(int Line, JournalEntry Entry)> Load()
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }

        var end = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        if (end < bytes.Length && !IsReadOnly)
        {
            using var file = Open(FileMode.Open, path);
            file.SetLength(end);
            file.Flush(flushToDisk: true);
            Log.TornTail(_logger, path, bytes.Length - end);
        }

        var entries = new List<(int, JournalEntry)>();
        var line = 0;
        for (var start = 0; start < end;)
        {
            var length = Array.IndexOf(bytes, (byte)'\n', start) - start;
            line++;
            try
            {
                entries.Add((line, JournalLine.Read(bytes.AsSpan(start, length))));
            }
            catch (FormatException exception)
            {
                throw Damaged(line, exception.Message);
            }

            start += length + 1;
        }

        _length = end;
        return entries;
    }

    public InvalidDataException Damaged(int line, string what) =>
        new($"{path} line {line}: {what}; fix that line or move the file away");

    /// <summary>
    /// Appends entries and flushes them to the disk; all or none of them. A file that has grown to twice what it needs, or is
    /// not as it was left, is put in its place anew, whole or not at all. Throws <see cref="IOException"/> or
    /// <see cref="UnauthorizedAccessException"/>.
    /// </summary>
    /// <param name="all">Every entry that is to be kept, with <paramref name="fresh"/> at its end.</param>
    /// <param name="toWall">Moments that lie ahead, by the wall clock of now.</param>
    public void Write(IReadOnlyList<JournalEntry> fresh, IEnumerable<JournalEntry> all, Func<DateTimeOffset, DateTimeOffset> toWall)
    {
        if (!IsAsLeft())
        {
            Replace(all, toWall);
            return;
        }

        if (_length > Math.Max(MinCompactBytes, 2 * _compacted))
        {
            try
            {
                Replace(all, toWall);
                return;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // There may still be space for a line, where there is none for a second file.
                Log.NotCompacted(_logger, path, exception.Message);
            }
        }

        Append(fresh, toWall);
    }

    /// <summary>Writes the file whole, in the place of what is there. Throws as <see cref="Write"/> does.</summary>
    public void Replace(IEnumerable<JournalEntry> entries, Func<DateTimeOffset, DateTimeOffset> toWall)
    {
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        var bytes = Lines(entries, toWall);
        var temporary = path + ".new";
        try
        {
            using (var file = Open(FileMode.Create, temporary))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (IOException)
        {
            // On a full disk half a file would keep the space that is needed.
            File.Delete(temporary);
            throw;
        }

        // The rename itself is on the disk only when the folder is.
        FileSystem.FlushFolder(folder);
        _length = _compacted = bytes.Length;
    }

    /// <summary>Keeps the file under another name, which it returns; null: there is none. Throws as <see cref="Write"/> does.</summary>
    /// <param name="time">A part of the name.</param>
    public string? KeepAside(DateTimeOffset time)
    {
        var aside = FormattableString.Invariant($"{path}.{time.UtcDateTime:yyyyMMdd'T'HHmmssfff'Z'}");
        if (!File.Exists(path))
        {
            return null;
        }

        File.Move(path, aside);
        return aside;
    }

    private void Append(IReadOnlyList<JournalEntry> entries, Func<DateTimeOffset, DateTimeOffset> toWall)
    {
        using var file = Open(FileMode.Open, path);
        try
        {
            file.Seek(_length, SeekOrigin.Begin);
            var bytes = Lines(entries, toWall);
            file.Write(bytes);
            file.Flush(flushToDisk: true);
            _length += bytes.Length;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            TakeBack(file);
            throw;
        }
    }

    // The file may have been moved, truncated or edited while the relay runs.
    private bool IsAsLeft() => new FileInfo(path) is { Exists: true } file && file.Length == _length;

    // A refused change must not come back at a start. If even this fails the length shows it, and the next change writes
    // the file whole.
    private void TakeBack(FileStream file)
    {
        try
        {
            file.SetLength(_length);
            file.Flush(flushToDisk: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotTakenBack(_logger, path, exception.Message);
        }
    }

    private static byte[] Lines(IEnumerable<JournalEntry> entries, Func<DateTimeOffset, DateTimeOffset> toWall)
    {
        using var bytes = new MemoryStream();
        foreach (var entry in entries)
        {
            bytes.Write(JournalLine.Write(entry, toWall));
            bytes.WriteByte((byte)'\n');
        }

        return bytes.ToArray();
    }

    // Without a buffer, so that nothing is written after an error.
    private static FileStream Open(FileMode mode, string path) => new(path, new FileStreamOptions
    {
        Mode = mode,
        Access = FileAccess.ReadWrite,
        BufferSize = 0,
        UnixCreateMode = mode == FileMode.Create ? OwnerOnly : null,
    });

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{File}: removed an incomplete last line of {Bytes} bytes; the relay was stopped while it was written, so this change was never confirmed")]
        public static partial void TornTail(ILogger logger, string file, long bytes);

        [LoggerMessage(3, LogLevel.Warning, "{File}: could not be compacted and grows on ({Problem})")]
        public static partial void NotCompacted(ILogger logger, string file, string problem);

        [LoggerMessage(2, LogLevel.Warning, "{File}: could not remove an entry that was not written whole ({Problem}); the next change writes the file anew")]
        public static partial void NotTakenBack(ILogger logger, string file, string problem);
    }
}
