using Relay.Memory;

namespace Relay.Transport.Framing;

/// <summary>
/// Received bytes to messages and control frames, for one direction of one connection. A message that arrives in one piece
/// stays where it was received; only what is incomplete is copied, into a buffer that is rented for that long, counts in the
/// budget, and grows with what has arrived, not with what was announced. Nothing that a peer sends throws.
/// </summary>
/// <remarks>A mutable struct of 56 bytes: keep it in a field, never copy it, one thread at a time.</remarks>
internal partial struct FrameReader(FrameRole role, int maxMessageBytes, MemoryBudget? memory = null) : IDisposable
{
    private readonly MemoryBudget _memory = memory ?? MemoryBudget.Unlimited;

    // Fragments and pieces of the message that is incomplete; null while there are none.
    private byte[]? _message;

    // An incomplete header, or the pieces of an incomplete control frame.
    private byte[]? _partial;

    private readonly int _maxMessageBytes = maxMessageBytes;
    private readonly FrameRole _role = role;
    private int _messageBytes;

    // The frame whose payload is being read: what is still to come, and the key for its next byte.
    private int _remaining;
    private uint _mask;
    private FrameOpcode _opcode;
    private bool _isFinal;
    private bool _isInFrame;

    // The kind of the message that is incomplete; Continuation when there is none.
    private FrameOpcode _messageOpcode;
    private Utf8Validator _text;
    private byte _partialBytes;
    private bool _isOver;
    private bool _isDelivered;

    /// <summary>
    /// True from the first byte of a frame to the end of its message: the peer owes us bytes, which should have a deadline.
    /// False after an error or a close frame.
    /// </summary>
    public readonly bool IsMidMessage =>
        !_isOver && (_isInFrame || _partialBytes > 0 || _messageOpcode != FrameOpcode.Continuation);

    /// <summary>Size of the buffers that are rented now; 0 unless something is incomplete or was just handed out.</summary>
    public readonly int HeldBytes => (_message?.Length ?? 0) + (_partial?.Length ?? 0);

    /// <summary>
    /// How much larger the buffer of a message that has begun becomes when so many more bytes come. What begins a message is
    /// not asked for: it is no larger than where it was received.
    /// </summary>
    public readonly int GrowthFor(int bytes) =>
        _messageBytes == 0 ? 0 : Math.Max(0, MemoryBudget.SizeOf(AfterNext(bytes)) - _message!.Length);

    /// <summary>Takes a buffer for so many more bytes, of which <see cref="GrowthFor"/> is the caller's part of the budget so far.</summary>
    public void Grow(int bytes)
    {
        if (GrowthFor(bytes) > 0)
        {
            _message = _memory.Resize(_message, _messageBytes, AfterNext(bytes), isTaken: true);
        }
    }

    /// <summary>
    /// Reads on. Call again with what was not consumed until <see cref="FrameEventKind.None"/> comes; all bytes are consumed then.
    /// </summary>
    /// <param name="input">Bytes in the order of arrival; unmasked in place.</param>
    /// <param name="consumed">How many of them are done with.</param>
    public FrameEvent Read(Span<byte> input, out int consumed)
    {
        Release();
        consumed = 0;
        while (!_isOver)
        {
            if (!_isInFrame)
            {
                var error = ReadHead(input[consumed..], out var headBytes);
                if (error != FrameError.None)
                {
                    return Fail(error, input, out consumed);
                }

                consumed += headBytes;
                if (!_isInFrame)
                {
                    break;
                }
            }

            var start = consumed;
            var piece = input.Slice(start, Math.Min(_remaining, input.Length - start));
            consumed += piece.Length;
            _remaining -= piece.Length;
            if (_role == FrameRole.Server)
            {
                _mask = FrameMask.Apply(piece, _mask);
            }

            var isControl = FrameHead.IsControl(_opcode);
            if (!isControl && !IsText(piece))
            {
                return Fail(FrameError.InvalidText, input, out consumed);
            }

            if (_remaining > 0)
            {
                Hold(piece, isControl);
                break;
            }

            _isInFrame = false;
            if (_isFinal)
            {
                var found = isControl ? FinishControl(input, start, piece) : FinishMessage(input, start, piece);
                return found.Kind == FrameEventKind.Error ? Fail(found.Error, input, out consumed) : found;
            }

            Hold(piece, isPartial: false);
        }

        consumed = input.Length;
        return default;
    }

    /// <summary>Gives back the buffer of the message that was handed out last. <see cref="Read"/> begins with it.</summary>
    public void Release()
    {
        if (_isDelivered)
        {
            _isDelivered = false;
            ReturnPartial();
            if (_messageOpcode == FrameOpcode.Continuation)
            {
                ReturnMessage();
            }
        }
    }

    /// <summary>
    /// Gives back all buffers, so what was handed out last must no longer be in use; the reader yields nothing from then on.
    /// </summary>
    public void Dispose()
    {
        _isOver = true;
        _isDelivered = false;
        ReturnPartial();
        ReturnMessage();
    }

    private FrameError ReadHead(ReadOnlySpan<byte> input, out int headBytes)
    {
        var bytes = input;
        if (_partialBytes > 0)
        {
            var more = Math.Min(input.Length, FrameHead.MaxBytes - _partialBytes);
            input[..more].CopyTo(_partial.AsSpan(_partialBytes));
            bytes = _partial.AsSpan(0, _partialBytes + more);
        }

        headBytes = 0;
        var isMidMessage = _messageOpcode != FrameOpcode.Continuation;
        var error = FrameHead.Read(bytes, _role, isMidMessage, _maxMessageBytes - _messageBytes, out var head);
        if (error != FrameError.None)
        {
            return error;
        }

        if (head.HeadBytes == 0)
        {
            Hold(input, isPartial: true);
            return FrameError.None;
        }

        headBytes = head.HeadBytes - _partialBytes;
        ReturnPartial();
        (_opcode, _isFinal, _remaining, _mask, _isInFrame) = (head.Opcode, head.IsFinal, head.PayloadBytes, head.Mask, true);
        if (_opcode is FrameOpcode.Text or FrameOpcode.Binary)
        {
            _messageOpcode = _opcode;
        }

        return FrameError.None;
    }

    // True unless the message is text and stopped being UTF-8 in this piece.
    private bool IsText(ReadOnlySpan<byte> piece) =>
        _messageOpcode != FrameOpcode.Text
        || (_text.Append(piece) && (_text.IsComplete || !_isFinal || _remaining > 0));

    private FrameEvent FinishControl(Span<byte> input, int start, ReadOnlySpan<byte> piece)
    {
        FrameEvent found;
        if (_partialBytes == 0)
        {
            found = FrameEvent.InPlace(_opcode, input, start, piece.Length);
        }
        else
        {
            Hold(piece, isPartial: true);
            found = FrameEvent.Held(_opcode, _partial!, _partialBytes);
            _isDelivered = true;
        }

        _partialBytes = 0;
        if (_opcode != FrameOpcode.Close)
        {
            return found;
        }

        var error = CloseFrame.Read(found.Payload, out var code);
        _isOver = true;
        ReturnMessage();
        return error == FrameError.None ? found.AsClose(code) : FrameEvent.Failed(error);
    }

    private FrameEvent FinishMessage(Span<byte> input, int start, ReadOnlySpan<byte> piece)
    {
        var opcode = _messageOpcode;
        _messageOpcode = FrameOpcode.Continuation;
        if (_messageBytes == 0)
        {
            return FrameEvent.InPlace(opcode, input, start, piece.Length);
        }

        Hold(piece, isPartial: false);
        var found = FrameEvent.Held(opcode, _message!, _messageBytes);
        _messageBytes = 0;
        _isDelivered = true;
        return found;
    }

    private FrameEvent Fail(FrameError error, Span<byte> input, out int consumed)
    {
        Dispose();
        consumed = input.Length;
        return FrameEvent.Failed(error);
    }

    private void Hold(ReadOnlySpan<byte> piece, bool isPartial)
    {
        if (piece.IsEmpty)
        {
            return;
        }

        if (isPartial)
        {
            _partial ??= _memory.Rent(FrameHead.MaxControlPayloadBytes);
            piece.CopyTo(_partial.AsSpan(_partialBytes));
            _partialBytes += (byte)piece.Length;
            return;
        }

        if (_messageBytes + piece.Length > (_message?.Length ?? 0))
        {
            // The pool's sizes are powers of two: each is at least twice the one before, and none more than the longest message needs.
            _message = _memory.Resize(_message, _messageBytes, _messageBytes + piece.Length, isTaken: false);
        }

        piece.CopyTo(_message.AsSpan(_messageBytes));
        _messageBytes += piece.Length;
    }

    // The length of the message when so many more bytes have come, unless they end it.
    private readonly int AfterNext(int bytes)
    {
        var ofMessage = _isInFrame && _isFinal && !FrameHead.IsControl(_opcode) ? Math.Min(bytes, _remaining) : bytes;
        return _messageBytes + Math.Min(ofMessage, _maxMessageBytes - _messageBytes);
    }

    private void ReturnPartial()
    {
        _memory.Return(_partial);
        _partial = null;
        _partialBytes = 0;
    }

    private void ReturnMessage()
    {
        _memory.Return(_message);
        _message = null;
        _messageBytes = 0;
    }
}
