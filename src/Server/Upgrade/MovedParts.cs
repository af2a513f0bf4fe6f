using System.Buffers;
using Google.Protobuf;
using Relay.Native;
using Relay.Protocol.Moving;
using Relay.Upgrade.V1;

namespace Relay.Upgrade;

/// <summary>Writes parts as messages with descriptors, of which each has as much as one call of the system takes.</summary>
/// <param name="send">Takes a message and its descriptors.</param>
internal sealed class MovedPartWriter(Action<Handover, IReadOnlyList<int>> send)
{
    private const int MessageBytes = 256 * 1024;

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly List<int> _descriptors = [];

    /// <param name="descriptor">-1: there is none.</param>
    public void Write(MovedPart part, int descriptor)
    {
        WriteLength(part.CalculateSize());
        part.WriteTo(_bytes);
        if (descriptor >= 0)
        {
            _descriptors.Add(descriptor);
        }

        if (_bytes.WrittenCount >= MessageBytes || _descriptors.Count == PassedDescriptors.Max)
        {
            Flush(isLast: false);
        }
    }

    /// <summary>Nothing more comes.</summary>
    public void Finish() => Flush(isLast: true);

    // A large part takes several messages.
    private void Flush(bool isLast)
    {
        var bytes = _bytes.WrittenMemory;
        do
        {
            var next = bytes[..Math.Min(bytes.Length, MessageBytes)];
            bytes = bytes[next.Length..];
            send(new Handover { Moved = new Moved { Parts = ByteString.CopyFrom(next.Span), IsLast = isLast && bytes.IsEmpty } }, [.. _descriptors]);
            _descriptors.Clear();
        }
        while (!bytes.IsEmpty);
        _bytes.ResetWrittenCount();
    }

    // As a varint: seven bits a byte, the lowest first.
    private void WriteLength(int length)
    {
        for (; length > 0x7F; length >>= 7)
        {
            _bytes.Write([(byte)(length | 0x80)]);
        }

        _bytes.Write([(byte)length]);
    }
}

/// <summary>Reads what <see cref="MovedPartWriter"/> has written.</summary>
internal sealed class MovedPartReader
{
    private const int MaxPartBytes = 16 << 20;
    private const int LengthBytes = 5;

    private readonly Queue<int> _descriptors = [];

    // The beginning of a part that is not whole.
    private byte[] _rest = [];

    /// <summary>The parts that are whole with this message. Throws <see cref="InvalidDataException"/> for what is none.</summary>
    public IEnumerable<MovedPart> Read(Moved moved, IEnumerable<int> descriptors)
    {
        foreach (var descriptor in descriptors)
        {
            _descriptors.Enqueue(descriptor);
        }

        byte[] bytes = [.. _rest, .. moved.Parts.Span];
        var at = 0;
        while (TryReadLength(bytes.AsSpan(at), out var length, out var head) && length <= bytes.Length - at - head)
        {
            yield return Parse(bytes, at + head, length);
            at += head + length;
        }

        _rest = bytes[at..];
        if (moved.IsLast && _rest.Length > 0)
        {
            throw NoPart();
        }
    }

    /// <summary>The descriptor of the part that was read last.</summary>
    public int TakeDescriptor() => _descriptors.TryDequeue(out var descriptor) ? descriptor : throw NoPart();

    private static MovedPart Parse(byte[] bytes, int start, int length)
    {
        try
        {
            return MovedPart.Parser.ParseFrom(bytes, start, length);
        }
        catch (InvalidProtocolBufferException)
        {
            throw NoPart();
        }
    }

    // False: it is not whole.
    private static bool TryReadLength(ReadOnlySpan<byte> bytes, out int length, out int head)
    {
        (length, head) = (0, 0);
        while (head < Math.Min(bytes.Length, LengthBytes))
        {
            var next = bytes[head];
            length |= (next & 0x7F) << (7 * head++);
            if ((next & 0x80) == 0)
            {
                return length is >= 0 and <= MaxPartBytes ? true : throw NoPart();
            }
        }

        return head < LengthBytes ? false : throw NoPart();
    }

    private static InvalidDataException NoPart() => new("the relay that was to be replaced has told of its clients what makes no sense");
}
