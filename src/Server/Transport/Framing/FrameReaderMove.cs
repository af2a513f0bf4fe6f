using Google.Protobuf;
using Relay.Protocol.Moving;

namespace Relay.Transport.Framing;

/// <summary>How far a reader has come, for another process to go on from there.</summary>
internal partial struct FrameReader
{
    /// <summary>Between two calls of <see cref="Read"/>. What was handed out last is no part of it.</summary>
    public readonly MovedReader Save()
    {
        var hasMessage = !_isDelivered || _messageOpcode != FrameOpcode.Continuation;
        return new MovedReader
        {
            Message = hasMessage ? ByteString.CopyFrom(_message.AsSpan(0, _messageBytes)) : ByteString.Empty,
            Partial = _isDelivered ? ByteString.Empty : ByteString.CopyFrom(_partial.AsSpan(0, _partialBytes)),
            Remaining = _remaining,
            Mask = _mask,
            Opcode = (uint)_opcode,
            IsFinal = _isFinal,
            IsInFrame = _isInFrame,
            MessageOpcode = (uint)_messageOpcode,
            TextMissing = _text.State.Missing,
            TextMin = _text.State.Min,
            TextMax = _text.State.Max,
        };
    }

    /// <summary>Goes on from there; of a new reader. Throws <see cref="InvalidDataException"/> where nothing leads there.</summary>
    public void Restore(MovedReader state)
    {
        if (state.Partial.Length > FrameHead.MaxControlPayloadBytes || state.Remaining < 0 || (state.IsInFrame && state.Remaining == 0)
            || state.Opcode > (uint)FrameOpcode.Pong || state.MessageOpcode > (uint)FrameOpcode.Binary)
        {
            throw new InvalidDataException("a half-read frame that has moved is none");
        }

        if (!state.Message.IsEmpty)
        {
            _message = _memory.Rent(state.Message.Length);
            state.Message.Span.CopyTo(_message);
            _messageBytes = state.Message.Length;
        }

        if (!state.Partial.IsEmpty)
        {
            _partial = _memory.Rent(FrameHead.MaxControlPayloadBytes);
            state.Partial.Span.CopyTo(_partial);
            _partialBytes = (byte)state.Partial.Length;
        }

        (_remaining, _mask, _opcode, _isFinal, _isInFrame) = (state.Remaining, state.Mask, (FrameOpcode)state.Opcode, state.IsFinal, state.IsInFrame);
        _messageOpcode = (FrameOpcode)state.MessageOpcode;
        _text.State = ((byte)state.TextMissing, (byte)state.TextMin, (byte)state.TextMax);
    }
}
