namespace Relay.Transport.Framing;

/// <summary>What a peer did that RFC 6455 or the message limit forbids. Each has one close code.</summary>
internal enum FrameError : byte
{
    None,

    /// <summary>RSV1, RSV2 or RSV3 is set, though no extension was agreed on.</summary>
    ReservedBits,
    UnknownOpcode,
    FragmentedControlFrame,
    ControlFrameTooLong,

    /// <summary>A continuation frame while no message is incomplete.</summary>
    UnexpectedContinuation,

    /// <summary>A new message before the last fragment of the one before it.</summary>
    ContinuationExpected,

    /// <summary>A client did not mask its frame.</summary>
    Unmasked,

    /// <summary>A server masked its frame.</summary>
    Masked,

    /// <summary>The payload length is encoded in more bytes than it needs.</summary>
    LengthNotMinimal,

    /// <summary>The most significant bit of a 64-bit payload length is set.</summary>
    LengthOutOfRange,

    /// <summary>The message is, or its frame header says that it will be, longer than the limit.</summary>
    MessageTooBig,

    /// <summary>The payload of a text message is not UTF-8.</summary>
    InvalidText,

    /// <summary>A close frame with one byte of payload: half a close code.</summary>
    CloseCodeIncomplete,

    /// <summary>A close code that must not be sent.</summary>
    CloseCodeNotAllowed,

    /// <summary>The reason in a close frame is not UTF-8.</summary>
    InvalidCloseReason,
}

internal static class FrameErrors
{
    /// <summary>The close code that answers <paramref name="error"/>: 1002, 1007 or 1009. The reason stays empty.</summary>
    public static ushort CloseCode(FrameError error) => error switch
    {
        FrameError.MessageTooBig => CloseCodes.MessageTooBig,
        FrameError.InvalidText or FrameError.InvalidCloseReason => CloseCodes.InvalidPayload,
        _ => CloseCodes.ProtocolError,
    };
}
