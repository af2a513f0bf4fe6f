using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Relay.Transport.Framing;

/// <summary>Which end of the connection this process is. Clients mask what they send; servers never do.</summary>
internal enum FrameRole : byte
{
    Server,
    Client,
}

/// <summary>What a frame is, by RFC 6455 section 5.2. The values from 8 on are control frames.</summary>
internal enum FrameOpcode : byte
{
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

/// <summary>The header of a frame.</summary>
/// <param name="Opcode">What the frame is.</param>
/// <param name="IsFinal">True for the last fragment of a message; always true for control frames.</param>
/// <param name="PayloadBytes">Length of the payload that follows, at most the message limit.</param>
/// <param name="Mask">The masking key in the byte order of memory; 0 for frames of a server.</param>
/// <param name="HeadBytes">Length of the header itself, 2 to 14; 0 while it is incomplete.</param>
internal readonly record struct FrameHead(FrameOpcode Opcode, bool IsFinal, int PayloadBytes, uint Mask, int HeadBytes)
{
    /// <summary>The longest header: two bytes, a 64-bit length, a masking key.</summary>
    public const int MaxBytes = 14;

    /// <summary>The longest payload of a control frame.</summary>
    public const int MaxControlPayloadBytes = 125;

    /// <summary>Reads and checks a header, all of it or as much as there is.</summary>
    /// <param name="bytes">The header from its first byte on, as far as it has arrived; what follows it is ignored.</param>
    /// <param name="role">Our own end: it decides whether the frame must or must not be masked.</param>
    /// <param name="isMidMessage">True while a fragmented message is incomplete.</param>
    /// <param name="capacity">How many more bytes the message may have; no concern of control frames.</param>
    /// <param name="head">The header, or <c>default</c> while it is incomplete or when it is wrong.</param>
    /// <returns>
    /// What is wrong, told at the first byte that shows it: the verdict on a header does not depend on how it was split.
    /// </returns>
    public static FrameError Read(ReadOnlySpan<byte> bytes, FrameRole role, bool isMidMessage, int capacity, out FrameHead head)
    {
        head = default;
        if (bytes.IsEmpty)
        {
            return FrameError.None;
        }

        var opcode = (FrameOpcode)(bytes[0] & 0x0F);
        var isFinal = (bytes[0] & 0x80) != 0;
        var error = CheckFirstByte(bytes[0], opcode, isFinal, isMidMessage);
        if (error != FrameError.None || bytes.Length < 2)
        {
            return error;
        }

        var isMasked = (bytes[1] & 0x80) != 0;
        if (isMasked != (role == FrameRole.Server))
        {
            return isMasked ? FrameError.Masked : FrameError.Unmasked;
        }

        var shortLength = bytes[1] & 0x7F;
        if (IsControl(opcode) && shortLength > MaxControlPayloadBytes)
        {
            return FrameError.ControlFrameTooLong;
        }

        var maskAt = 2 + (shortLength switch { 126 => 2, 127 => 8, _ => 0 });
        if (bytes.Length < maskAt)
        {
            return FrameError.None;
        }

        error = ReadLength(bytes, shortLength, out var length);
        if (error != FrameError.None)
        {
            return error;
        }

        if (!IsControl(opcode) && length > (ulong)capacity)
        {
            return FrameError.MessageTooBig;
        }

        var headBytes = isMasked ? maskAt + sizeof(uint) : maskAt;
        if (bytes.Length >= headBytes)
        {
            var mask = isMasked ? MemoryMarshal.Read<uint>(bytes[maskAt..]) : 0;
            head = new FrameHead(opcode, isFinal, (int)length, mask, headBytes);
        }

        return FrameError.None;
    }

    public static bool IsControl(FrameOpcode opcode) => opcode >= FrameOpcode.Close;

    private static FrameError CheckFirstByte(byte first, FrameOpcode opcode, bool isFinal, bool isMidMessage)
    {
        if ((first & 0x70) != 0)
        {
            return FrameError.ReservedBits;
        }

        return opcode switch
        {
            FrameOpcode.Continuation => isMidMessage ? FrameError.None : FrameError.UnexpectedContinuation,
            FrameOpcode.Text or FrameOpcode.Binary => isMidMessage ? FrameError.ContinuationExpected : FrameError.None,
            FrameOpcode.Close or FrameOpcode.Ping or FrameOpcode.Pong => isFinal ? FrameError.None : FrameError.FragmentedControlFrame,
            _ => FrameError.UnknownOpcode,
        };
    }

    private static FrameError ReadLength(ReadOnlySpan<byte> bytes, int shortLength, out ulong length)
    {
        length = shortLength switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            127 => BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]),
            _ => (ulong)shortLength,
        };
        if (length > long.MaxValue)
        {
            return FrameError.LengthOutOfRange;
        }

        return (shortLength == 126 && length < 126) || (shortLength == 127 && length <= ushort.MaxValue)
            ? FrameError.LengthNotMinimal
            : FrameError.None;
    }
}
