using System.Buffers;

namespace Server.Tests.Fuzz;

/// <summary>Bytes in two segments, as they come from a socket in two reads.</summary>
internal sealed class Segments : ReadOnlySequenceSegment<byte>
{
    private Segments(byte[] bytes, long start)
    {
        Memory = bytes;
        RunningIndex = start;
    }

    /// <summary>A copy of the bytes, cut at <paramref name="cut"/>. Each segment is exactly as long as its bytes: reading past them throws.</summary>
    public static ReadOnlySequence<byte> Of(ReadOnlySpan<byte> bytes, int cut)
    {
        var first = new Segments(bytes[..cut].ToArray(), 0);
        var second = new Segments(bytes[cut..].ToArray(), cut);
        first.Next = second;
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }
}
