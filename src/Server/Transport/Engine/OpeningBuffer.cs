namespace Relay.Transport.Engine;

/// <summary>What a connection sends first, collected so that it leaves in one call. One for each loop, for one connection at a time.</summary>
internal sealed class OpeningBuffer
{
    private const int MaxBytes = 8192;

    private readonly byte[] _bytes = new byte[MaxBytes];
    private int _length;

    public bool TryAppend(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.TryCopyTo(_bytes.AsSpan(_length)))
        {
            return false;
        }

        _length += bytes.Length;
        return true;
    }

    /// <summary>Room at the end; what was written there counts after <see cref="Advance"/>.</summary>
    public Span<byte> Rest => _bytes.AsSpan(_length);

    public void Advance(int bytes) => _length += bytes;

    /// <summary>All of it, to be used before the next is appended.</summary>
    public ReadOnlySpan<byte> Take()
    {
        var length = _length;
        _length = 0;
        return _bytes.AsSpan(0, length);
    }
}
