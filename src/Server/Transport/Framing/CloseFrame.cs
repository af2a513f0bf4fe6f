using System.Buffers.Binary;
using System.Text.Unicode;

namespace Relay.Transport.Framing;

/// <summary>The close codes that this layer itself decides on (RFC 6455 section 7.4.1).</summary>
internal static class CloseCodes
{
    public const ushort ProtocolError = 1002;

    /// <summary>Stands for a close frame without a code; never on the wire.</summary>
    public const ushort None = 1005;
    public const ushort InvalidPayload = 1007;
    public const ushort MessageTooBig = 1009;

    /// <summary>True for a code that may be sent: 1000–1003, 1007–1014, 3000–4999.</summary>
    public static bool IsAllowed(int code) => code is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);
}

/// <summary>The payload of a close frame: nothing, or a code and a reason in UTF-8.</summary>
internal static class CloseFrame
{
    /// <summary>Where the reason begins.</summary>
    public const int CodeBytes = 2;

    /// <summary>The longest reason.</summary>
    public const int MaxReasonBytes = FrameHead.MaxControlPayloadBytes - CodeBytes;

    /// <summary>Checks a payload and reads its code, <see cref="CloseCodes.None"/> when it is empty.</summary>
    public static FrameError Read(ReadOnlySpan<byte> payload, out ushort code)
    {
        code = CloseCodes.None;
        if (payload.Length < CodeBytes)
        {
            return payload.IsEmpty ? FrameError.None : FrameError.CloseCodeIncomplete;
        }

        code = BinaryPrimitives.ReadUInt16BigEndian(payload);
        if (!CloseCodes.IsAllowed(code))
        {
            return FrameError.CloseCodeNotAllowed;
        }

        return Utf8.IsValid(payload[CodeBytes..]) ? FrameError.None : FrameError.InvalidCloseReason;
    }

    /// <summary>
    /// Writes a payload. A reason above <see cref="MaxReasonBytes"/> is cut before the character that does not fit; lone
    /// surrogates become U+FFFD. With <see cref="CloseCodes.None"/> the payload is empty.
    /// </summary>
    /// <param name="destination">At least <see cref="FrameHead.MaxControlPayloadBytes"/> bytes.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The code must not be sent.</exception>
    public static int Write(Span<byte> destination, ushort code, ReadOnlySpan<char> reason)
    {
        if (code == CloseCodes.None)
        {
            return 0;
        }

        if (!CloseCodes.IsAllowed(code))
        {
            throw new ArgumentOutOfRangeException(nameof(code), code, "Close codes are 1000-1003, 1007-1014 or 3000-4999.");
        }

        BinaryPrimitives.WriteUInt16BigEndian(destination, code);
        Utf8.FromUtf16(reason, destination.Slice(CodeBytes, MaxReasonBytes), out _, out var written, replaceInvalidSequences: true);
        return CodeBytes + written;
    }
}
