using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Relay.Transport.Framing;

/// <summary>
/// Writes frames, each a whole message. As <see cref="FrameRole.Client"/> every frame is masked with a key of its own.
/// A destination that is too short is a bug of the caller and throws.
/// </summary>
internal static class FrameWriter
{
    /// <summary>The longest control frame, header included.</summary>
    public const int MaxControlBytes = 2 + sizeof(uint) + FrameHead.MaxControlPayloadBytes;

    /// <summary>A server's ping without data.</summary>
    public static readonly ReadOnlyMemory<byte> Ping = new byte[] { 0x89, 0x00 };

    /// <summary>Length of the header that a frame with <paramref name="payloadBytes"/> of payload gets.</summary>
    public static int HeadBytes(int payloadBytes, FrameRole role) =>
        2 + (payloadBytes switch { <= 125 => 0, <= ushort.MaxValue => 2, _ => 8 }) + (role == FrameRole.Client ? sizeof(uint) : 0);

    /// <summary>
    /// Puts a header in front of a message that was written with head room, and masks the message in place where the role
    /// asks for it. The payload is not moved.
    /// </summary>
    /// <param name="buffer">Head room, then the payload up to the end.</param>
    /// <param name="headRoom">Where the payload begins; <see cref="FrameHead.MaxBytes"/> always suffices.</param>
    /// <returns>Where in <paramref name="buffer"/> the frame begins; it ends where the buffer ends.</returns>
    public static int Prepend(Span<byte> buffer, int headRoom, FrameOpcode opcode, FrameRole role)
    {
        var payload = buffer[headRoom..];
        var start = headRoom - HeadBytes(payload.Length, role);
        var key = WriteHead(buffer[start..headRoom], opcode, payload.Length, role);
        if (role == FrameRole.Client)
        {
            FrameMask.Apply(payload, key);
        }

        return start;
    }

    /// <summary>Writes a frame with a copy of <paramref name="payload"/> and returns its length.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The payload is too long for a control frame.</exception>
    public static int Write(Span<byte> destination, FrameOpcode opcode, ReadOnlySpan<byte> payload, FrameRole role)
    {
        if (FrameHead.IsControl(opcode))
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, FrameHead.MaxControlPayloadBytes, nameof(payload));
        }

        var headBytes = HeadBytes(payload.Length, role);
        var frame = destination[..(headBytes + payload.Length)];
        payload.CopyTo(frame[headBytes..]);
        Prepend(frame, headBytes, opcode, role);
        return frame.Length;
    }

    /// <summary>Writes a close frame and returns its length; see <see cref="CloseFrame.Write"/>.</summary>
    /// <param name="destination"><see cref="MaxControlBytes"/> always suffice.</param>
    public static int WriteClose(Span<byte> destination, ushort code, ReadOnlySpan<char> reason, FrameRole role)
    {
        Span<byte> payload = stackalloc byte[FrameHead.MaxControlPayloadBytes];
        return Write(destination, FrameOpcode.Close, payload[..CloseFrame.Write(payload, code, reason)], role);
    }

    // Fills head exactly and returns the masking key, 0 for a server.
    private static uint WriteHead(Span<byte> head, FrameOpcode opcode, int payloadBytes, FrameRole role)
    {
        var maskBit = role == FrameRole.Client ? 0x80 : 0;
        head[0] = (byte)(0x80 | (int)opcode);
        switch (payloadBytes)
        {
            case <= 125:
                head[1] = (byte)(maskBit | payloadBytes);
                break;
            case <= ushort.MaxValue:
                head[1] = (byte)(maskBit | 126);
                BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)payloadBytes);
                break;
            default:
                head[1] = (byte)(maskBit | 127);
                BinaryPrimitives.WriteUInt64BigEndian(head[2..], (ulong)payloadBytes);
                break;
        }

        if (role == FrameRole.Server)
        {
            return 0;
        }

        var key = FrameMask.NewKey();
        MemoryMarshal.Write(head[^sizeof(uint)..], in key);
        return key;
    }
}
