using System.Buffers;
using System.Buffers.Binary;

namespace Relay.AdminAuth;

/// <summary>
/// What a gRPC client sends over the Unix socket, with another :authority. Many send the socket's path there ("%2Frun%2Frelay%2Fadmin.sock"),
/// which is no host's name, so that the web server refuses the request; over a Unix socket it means nothing. HPACK needs no decoding for
/// it: a value that was replaced where it was sent in full is the one that later references stand for. The new one is never
/// longer, so that whatever the client's table still holds, the server's does. What is not understood is passed on, for the server to judge.
/// </summary>
internal sealed class AuthorityRewriter
{
    private const int PrefaceBytes = 24;
    private const int HeadBytes = 9;
    private const int MaxFrame = 16_384;

    // More than the web server takes.
    private const int MaxBlock = 64 * 1024;

    private const byte Headers = 1;
    private const byte Continuation = 9;
    private const byte EndOfHeaders = 0x4;
    private const byte Padded = 0x8;
    private const byte WithPriority = 0x20;
    private const int PriorityBytes = 5;

    private readonly ArrayBufferWriter<byte> _block = new();
    private bool _hasPreface;
    private bool _isGivenUp;

    // Of the header block that goes on in the next frame: its first frame's head, flags without those that no longer apply.
    private (byte Flags, uint Stream)? _open;

    /// <summary>Writes what it can of the input; what is left of it is the beginning of a frame.</summary>
    public void Rewrite(ref ReadOnlySequence<byte> input, IBufferWriter<byte> output)
    {
        if (!_hasPreface && !_isGivenUp)
        {
            if (input.Length < PrefaceBytes)
            {
                return;
            }

            Pass(ref input, PrefaceBytes, output);
            _hasPreface = true;
        }

        Span<byte> head = stackalloc byte[HeadBytes];
        while (!_isGivenUp && input.Length >= HeadBytes)
        {
            input.Slice(0, HeadBytes).CopyTo(head);
            var length = (head[0] << 16) | (head[1] << 8) | head[2];
            if (length > MaxFrame)
            {
                _isGivenUp = true;
                break;
            }

            if (input.Length < HeadBytes + length)
            {
                return;
            }

            if (head[3] is not (Headers or Continuation))
            {
                Pass(ref input, HeadBytes + length, output);
                continue;
            }

            var frame = input.Slice(HeadBytes, length).ToArray();
            if (!TryTake(head, frame))
            {
                _isGivenUp = true;
                break;
            }

            input = input.Slice(HeadBytes + length);
            if ((head[4] & EndOfHeaders) != 0)
            {
                WriteBlock(output);
            }
        }

        if (_isGivenUp)
        {
            Pass(ref input, input.Length, output);
        }
    }

    private static void Pass(ref ReadOnlySequence<byte> input, long count, IBufferWriter<byte> output)
    {
        foreach (var part in input.Slice(0, count))
        {
            output.Write(part.Span);
        }

        input = input.Slice(count);
    }

    private bool TryTake(ReadOnlySpan<byte> head, ReadOnlySpan<byte> frame)
    {
        var (flags, stream) = (head[4], BinaryPrimitives.ReadUInt32BigEndian(head[5..]));
        if (head[3] == Continuation)
        {
            if (_open is not { } open || open.Stream != stream || _block.WrittenCount + frame.Length > MaxBlock)
            {
                return false;
            }
        }
        else
        {
            var padding = 0;
            if ((flags & Padded) != 0)
            {
                if (frame.Length == 0 || frame[0] >= frame.Length)
                {
                    return false;
                }

                padding = frame[0];
                frame = frame[1..];
            }

            frame = frame[..^padding];
            if (_open is not null || ((flags & WithPriority) != 0 && frame.Length < PriorityBytes))
            {
                return false;
            }

            _open = ((byte)(flags & ~(Padded | EndOfHeaders)), stream);
        }

        _block.Write(frame);
        return true;
    }

    private void WriteBlock(IBufferWriter<byte> output)
    {
        var (flags, stream) = _open!.Value;
        var block = _block.WrittenSpan;
        var priority = (flags & WithPriority) != 0 ? PriorityBytes : 0;
        var rewritten = new ArrayBufferWriter<byte>(Math.Max(1, block.Length));
        rewritten.Write(block[..priority]);
        if (!HeaderBlock.TryReplaceAuthority(block[priority..], rewritten))
        {
            rewritten = new ArrayBufferWriter<byte>(block.Length);
            rewritten.Write(block);
        }

        var left = rewritten.WrittenSpan;
        var type = Headers;
        do
        {
            var part = left[..Math.Min(left.Length, MaxFrame)];
            left = left[part.Length..];
            var head = output.GetSpan(HeadBytes);
            BinaryPrimitives.WriteInt32BigEndian(head, part.Length << 8);
            head[3] = type;
            head[4] = (byte)((type == Headers ? flags : 0) | (left.IsEmpty ? EndOfHeaders : 0));
            BinaryPrimitives.WriteUInt32BigEndian(head[5..], stream);
            output.Advance(HeadBytes);
            output.Write(part);
            type = Continuation;
        }
        while (!left.IsEmpty);

        _block.ResetWrittenCount();
        _open = null;
    }
}
