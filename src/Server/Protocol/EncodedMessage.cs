using System.Buffers;
using Relay.Memory;

namespace Relay.Protocol;

/// <summary>
/// One outgoing message as UTF-8 in a rented array, behind head room for the header of its frame, so that nothing is moved when
/// it is sent. One owner at a time: the writer, then the queue, then whoever sends it, who returns it. A copy
/// that <see cref="SharedMessage"/> gave out returns its share.
/// </summary>
internal readonly struct EncodedMessage
{
    /// <summary>Bytes in front of the message; no frame header is longer.</summary>
    public const int HeadRoom = 14;

    private readonly byte[] _rented;
    private readonly SharedMessage? _shared;

    /// <summary>
    /// Takes over <paramref name="rented"/>, which came from <see cref="ArrayPool{T}.Shared"/> and holds <paramref name="length"/>
    /// bytes of message from <see cref="HeadRoom"/> on.
    /// </summary>
    public EncodedMessage(byte[] rented, int length, long receivedAt = 0)
    {
        _rented = rented;
        Length = length;
        ReceivedAt = receivedAt;
    }

    public EncodedMessage(in EncodedMessage message, SharedMessage shared)
        : this(message._rented, message.Length, message.ReceivedAt) => _shared = shared;

    /// <summary>The message's own length, without its head room.</summary>
    public int Length { get; }

    /// <summary>Bytes of memory that it takes.</summary>
    public int Size => _rented.Length;

    /// <summary>When the message that this one forwards was read, as a timestamp; 0 for messages of our own.</summary>
    public long ReceivedAt { get; }

    /// <summary>True for the answer to a ping, which is no message of the protocol.</summary>
    public bool IsPong { get; private init; }

    public ReadOnlyMemory<byte> Bytes => _rented.AsMemory(HeadRoom, Length);

    /// <summary>The head room and the message. Those who share it write the same header, which changes nothing.</summary>
    public Memory<byte> WithHeadRoom => _rented.AsMemory(0, HeadRoom + Length);

    /// <summary>What <see cref="Return(object)"/> needs.</summary>
    public object Owner => _shared ?? (object)_rented;

    public static EncodedMessage CopyOf(ReadOnlySpan<byte> message, long receivedAt = 0, bool isPong = false)
    {
        var rented = ArrayPool<byte>.Shared.Rent(HeadRoom + message.Length);
        message.CopyTo(rented.AsSpan(HeadRoom));
        return new EncodedMessage(rented, message.Length, receivedAt) { IsPong = isPong };
    }

    public static EncodedMessage Pong(ReadOnlySpan<byte> payload) => CopyOf(payload, isPong: true);

    public void Return() => Return(Owner);

    /// <summary>The message is kept for later, and counts in the budget until <see cref="Unkeep(MemoryBudget)"/>.</summary>
    public void Keep(MemoryBudget memory) => Keep(Owner, memory);

    public void Unkeep(MemoryBudget memory) => Unkeep(Owner, memory);

    /// <summary>The same for the message that <paramref name="owner"/> belongs to.</summary>
    public static void Keep(object owner, MemoryBudget memory)
    {
        if (owner is SharedMessage shared)
        {
            shared.Keep(memory);
        }
        else
        {
            memory.Add(((byte[])owner).Length);
        }
    }

    public static void Unkeep(object owner, MemoryBudget memory)
    {
        if (owner is SharedMessage shared)
        {
            shared.Unkeep(memory);
        }
        else
        {
            memory.Release(((byte[])owner).Length);
        }
    }

    /// <summary>Bytes of the budget that whoever keeps it holds by it.</summary>
    public static int PartSize(object owner) => owner is SharedMessage shared ? shared.PartSize : ((byte[])owner).Length;

    /// <summary>Returns the message that <paramref name="owner"/> belongs to.</summary>
    public static void Return(object owner)
    {
        if (owner is SharedMessage shared)
        {
            shared.Dispose();
        }
        else
        {
            ArrayPool<byte>.Shared.Return((byte[])owner);
        }
    }
}
