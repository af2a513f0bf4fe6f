namespace Relay.AuditLog;

/// <summary>The lines of a file from the last to the first, read in pieces of bounded size.</summary>
internal sealed class BackwardLines(FileStream file, long end)
{
    /// <summary>A line that is longer than this comes in parts.</summary>
    public const int Piece = 64 * 1024;

    private readonly byte[] _buffer = new byte[Piece];

    // The buffer holds the file from _start to _end; what lies behind _end was given out.
    private long _start = end;
    private long _end = end;

    /// <summary>The next line without its end, valid until the next call, and where in the file it begins.</summary>
    public bool TryNext(out ReadOnlySpan<byte> line, out long offset)
    {
        while (_end > 0)
        {
            var unread = _buffer.AsSpan(0, (int)(_end - _start));
            var body = unread is [.., (byte)'\n'] ? unread[..^1] : unread;
            var newline = body.LastIndexOf((byte)'\n');
            var isTooLong = newline < 0 && unread.Length == Piece;
            if (newline >= 0 || _start == 0 || isTooLong)
            {
                line = body[(newline + 1)..];
                offset = _end = _start + newline + 1;
                return true;
            }

            Load();
        }

        line = default;
        offset = 0;
        return false;
    }

    private void Load()
    {
        _start = Math.Max(0, _end - Piece);
        file.Seek(_start, SeekOrigin.Begin);
        file.ReadExactly(_buffer, 0, (int)(_end - _start));
    }
}
