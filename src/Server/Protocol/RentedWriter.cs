using System.Buffers;

namespace Relay.Protocol;

/// <summary>
/// A buffer writer over one rented array, which <see cref="Detach"/> hands on with head room in front of what was written.
/// One per thread, reused.
/// </summary>
internal sealed class RentedWriter : IBufferWriter<byte>
{
    private byte[] _buffer = [];
    private int _written = EncodedMessage.HeadRoom;

    public void Advance(int count) => _written += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_written);
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_written));
        _written += bytes.Length;
    }

    /// <summary>Gives the array and its contents away and starts anew.</summary>
    public EncodedMessage Detach(long receivedAt = 0)
    {
        var message = new EncodedMessage(_buffer, _written - EncodedMessage.HeadRoom, receivedAt);
        _buffer = [];
        Clear();
        return message;
    }

    /// <summary>Drops what a failed writer left behind.</summary>
    public void Clear() => _written = EncodedMessage.HeadRoom;

    private void Reserve(int sizeHint)
    {
        sizeHint = Math.Max(sizeHint, 1);
        if (_buffer.Length - _written >= sizeHint)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_written + sizeHint, Math.Max(256, _buffer.Length * 2)));
        if (_buffer.Length > 0)
        {
            _buffer.AsSpan(0, _written).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = larger;
    }
}
