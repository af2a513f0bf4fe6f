using System.Text.Json;

namespace Relay.AuditLog;

/// <summary>Reads entries back, the newest first, over the file and those before it. One page reads a bounded number of bytes.</summary>
internal static class AuditReader
{
    private const long MaxBytes = 8 * 1024 * 1024;

    // A clock may have been set back meanwhile: an entry that is older than asked for by less than this is no reason to stop.
    private static readonly TimeSpan ClockSlack = TimeSpan.FromHours(1);

    /// <summary>The files are given newest first; those that do not exist are passed over.</summary>
    public static AuditPage Read(IEnumerable<string> paths, AuditQuery query)
    {
        var reading = new Reading(query);
        foreach (var path in paths)
        {
            if (TryOpen(path) is { } file)
            {
                using (file)
                {
                    if (!reading.Read(file))
                    {
                        break;
                    }
                }
            }
        }

        return reading.ToPage();
    }

    private static FileStream? TryOpen(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static AuditEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, AuditJson.Lines.AuditEntry);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // The number of the first whole entry; 0: there is none near the beginning.
    private static long FirstSequence(FileStream file)
    {
        var head = new byte[BackwardLines.Piece];
        file.Seek(0, SeekOrigin.Begin);
        ReadOnlySpan<byte> rest = head.AsSpan(0, file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false));
        while (rest.IndexOf((byte)'\n') is >= 0 and var length)
        {
            if (Parse(rest[..length]) is { } entry)
            {
                return entry.Sequence;
            }

            rest = rest[(length + 1)..];
        }

        return 0;
    }

    private sealed class Reading(AuditQuery query)
    {
        private readonly List<AuditEntry> _entries = [];
        private long _before = query.From?.Before ?? long.MaxValue;
        private long _bytes;
        private int _damaged;
        private AuditCursor? _next;

        public AuditPage ToPage() => new(_entries, _next, _damaged);

        /// <summary>False when the page is done.</summary>
        public bool Read(FileStream file)
        {
            if (!TryFindEnd(file, out var end))
            {
                return true;
            }

            var lines = new BackwardLines(file, end);
            while (lines.TryNext(out var line, out var offset))
            {
                _bytes += line.Length + 1;
                if (Parse(line) is not { } entry)
                {
                    _damaged++;
                }
                else if (!Take(entry))
                {
                    return false;
                }

                if (_entries.Count == query.Limit || _bytes > MaxBytes)
                {
                    _next = new AuditCursor(FirstSequence(file), offset, _before);
                    return false;
                }
            }

            return true;
        }

        // False: the file has only what pages before this one have shown.
        private bool TryFindEnd(FileStream file, out long end)
        {
            end = file.Length;
            if (query.From is not { } from)
            {
                return true;
            }

            var first = FirstSequence(file);
            if (first == from.First)
            {
                end = Math.Min(end, from.Offset);
            }

            return first < from.Before;
        }

        // False: this entry and all older ones are not asked for.
        private bool Take(AuditEntry entry)
        {
            if (entry.Sequence >= _before)
            {
                // Seen already: the file was renamed while it was read.
                return true;
            }

            if (entry.Sequence <= query.AfterSequence || query.Since - entry.Time > ClockSlack)
            {
                return false;
            }

            _before = entry.Sequence;
            if (query.Matches(entry))
            {
                _entries.Add(entry);
            }

            return true;
        }
    }
}
