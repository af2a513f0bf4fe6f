using System.Buffers;

namespace Relay.Protocol;

/// <summary>
/// One outgoing text message as UTF-8 in a rented array. One owner at a time: the writer, then the queue, then the send
/// loop; the code that takes it out of the queue returns it. A copy that <see cref="SharedMessage"/> gave out returns its share.
/// </summary>
internal readonly struct EncodedMessage
{
    private readonly byte[] _rented;
    private readonly SharedMessage? _shared;

    /// <summary>Takes over <paramref name="rented"/>, which came from <see cref="ArrayPool{T}.Shared"/>.</summary>
    public EncodedMessage(byte[] rented, int length, long receivedAt = 0)
    {
        _rented = rented;
        Length = length;
        ReceivedAt = receivedAt;
    }

    public EncodedMessage(in EncodedMessage message, SharedMessage shared)
        : this(message._rented, message.Length, message.ReceivedAt) => _shared = shared;

    public int Length { get; }

    /// <summary>When the message that this one forwards was read, as a timestamp; 0 for messages of our own.</summary>
    public long ReceivedAt { get; }

    public ReadOnlyMemory<byte> Bytes => _rented.AsMemory(0, Length);

    public void Return()
    {
        if (_shared is null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
        }
        else
        {
            _shared.Dispose();
        }
    }
}
