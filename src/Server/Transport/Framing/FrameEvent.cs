namespace Relay.Transport.Framing;

/// <summary>What <see cref="FrameReader.Read"/> found.</summary>
internal enum FrameEventKind : byte
{
    /// <summary>Nothing yet: all bytes are taken, and more are needed.</summary>
    None,

    /// <summary>A whole text message, valid UTF-8.</summary>
    Text,

    /// <summary>A whole binary message.</summary>
    Binary,
    Ping,
    Pong,

    /// <summary>A valid close frame. The reader ignores whatever follows it.</summary>
    Close,

    /// <summary>The peer broke the protocol. The reader ignores whatever follows.</summary>
    Error,
}

/// <summary>
/// One message, control frame or error. Its bytes lie in the buffer that was fed or in one that the reader holds, and are
/// valid until the next call of <see cref="FrameReader.Read"/> or <see cref="FrameReader.Release"/>.
/// </summary>
internal readonly ref struct FrameEvent
{
    private readonly byte[]? _held;
    private readonly int _offset;

    private FrameEvent(FrameEventKind kind, Span<byte> payload, int offset, byte[]? held)
    {
        Kind = kind;
        Payload = payload;
        _offset = offset;
        _held = held;
    }

    public FrameEventKind Kind { get; }

    /// <summary>The message, the payload of a ping or pong, or the reason of a close frame, unmasked.</summary>
    public Span<byte> Payload { get; }

    /// <summary>With <see cref="FrameEventKind.Close"/>: the peer's code, or <see cref="CloseCodes.None"/>. With <see cref="FrameEventKind.Error"/>: the code to answer with.</summary>
    public ushort CloseCode { get; private init; }

    public FrameError Error { get; private init; }

    /// <summary>True when the payload lies in the buffer that was fed.</summary>
    public bool IsInPlace => _held is null;

    /// <summary><see cref="Payload"/> for handlers that need memory. Nothing is copied.</summary>
    /// <param name="fed">The memory whose span was given to <see cref="FrameReader.Read"/>.</param>
    public Memory<byte> AsMemory(Memory<byte> fed) => (_held ?? fed).Slice(_offset, Payload.Length);

    internal static FrameEvent InPlace(FrameOpcode opcode, Span<byte> input, int offset, int length) =>
        new(KindOf(opcode), input.Slice(offset, length), offset, held: null);

    internal static FrameEvent Held(FrameOpcode opcode, byte[] held, int length) =>
        new(KindOf(opcode), held.AsSpan(0, length), offset: 0, held);

    internal static FrameEvent Failed(FrameError error) =>
        new(FrameEventKind.Error, default, offset: 0, held: null) { Error = error, CloseCode = FrameErrors.CloseCode(error) };

    /// <summary>A close frame's event from that of its whole payload.</summary>
    internal FrameEvent AsClose(ushort code)
    {
        var skip = Math.Min(CloseFrame.CodeBytes, Payload.Length);
        return new FrameEvent(FrameEventKind.Close, Payload[skip..], _offset + skip, _held) { CloseCode = code };
    }

    private static FrameEventKind KindOf(FrameOpcode opcode) => opcode switch
    {
        FrameOpcode.Text => FrameEventKind.Text,
        FrameOpcode.Binary => FrameEventKind.Binary,
        FrameOpcode.Ping => FrameEventKind.Ping,
        FrameOpcode.Pong => FrameEventKind.Pong,
        _ => FrameEventKind.Close,
    };
}
