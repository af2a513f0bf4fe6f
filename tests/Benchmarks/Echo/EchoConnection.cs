using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.Benchmarks.Echo;

/// <summary>The relay's codec on one connection with nothing behind it: every message goes back as it came, pings get their pongs, a close its close.</summary>
internal sealed class EchoConnection(Connection connection, int maxMessageBytes) : IConnectionHandler
{
    private enum End
    {
        None,
        Ours,
        Both,
    }

    // Ends when what is being sent has gone; a new one for each frame.
    private TaskCompletionSource _sent = new();
    private FrameReader _reader = new(FrameRole.Server, maxMessageBytes);

    public void OnOpened()
    {
    }

    public async ValueTask<bool> OnBytesAsync(Memory<byte> bytes)
    {
        while (true)
        {
            var (frame, end) = Next(ref bytes);
            if (frame is null)
            {
                _reader.Release();
                return true;
            }

            _sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (frame.Length > 0 && !connection.Send(frame))
            {
                await _sent.Task;
            }

            if (end == End.Both)
            {
                connection.Close();
                return false;
            }

            if (end == End.Ours)
            {
                // Reads on, so that what the peer still sends does not reset the connection and our close frame with it.
                connection.CloseSoon();
            }
        }
    }

    public void OnSent() => _sent.TrySetResult();

    public void OnClosed() => _reader.Dispose();

    // The frame that answers what comes next, empty when nothing does; null when all bytes are read.
    private (byte[]? Frame, End End) Next(ref Memory<byte> bytes)
    {
        var found = _reader.Read(bytes.Span, out var consumed);
        bytes = bytes[consumed..];
        switch (found.Kind)
        {
            case FrameEventKind.None:
                return (null, End.None);
            case FrameEventKind.Text:
                return (Frame(FrameOpcode.Text, found.Payload), End.None);
            case FrameEventKind.Binary:
                return (Frame(FrameOpcode.Binary, found.Payload), End.None);
            case FrameEventKind.Ping:
                return (Frame(FrameOpcode.Pong, found.Payload), End.None);
            case FrameEventKind.Pong:
                return ([], End.None);
            default:
                var close = new byte[FrameWriter.MaxControlBytes];
                var reason = System.Text.Encoding.UTF8.GetString(found.Payload);
                return (close[..FrameWriter.WriteClose(close, found.CloseCode, reason, FrameRole.Server)], found.Kind == FrameEventKind.Close ? End.Both : End.Ours);
        }
    }

    private static byte[] Frame(FrameOpcode opcode, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[FrameWriter.HeadBytes(payload.Length, FrameRole.Server) + payload.Length];
        FrameWriter.Write(frame, opcode, payload, FrameRole.Server);
        return frame;
    }
}
