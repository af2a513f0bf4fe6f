using System.Buffers;
using Relay.Protocol;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>
/// Messages to frames to the connection, in order: straight from whoever sends while nothing waits, else through the
/// queue. No lock is held while it sends.
/// </summary>
internal sealed class FrameSender(Session session, Connection connection, SessionServices services)
{
    // Frames that one caller sends for others before the pool goes on with it.
    private const int MaxInOneTurn = 64;
    private static readonly byte[] PingFrame = [0x89, 0x00];

    private readonly OutboundQueue _queue = new(services.Options, services.Metrics);

    // Of the one who sends: the frame that is on its way.
    private byte[]? _frame;
    private bool _isLast;

    // Atomic.
    private long _started;

    /// <summary>When the write that is under way began, or 0.</summary>
    public long Started => Math.Max(0, Volatile.Read(ref _started));

    public (int Messages, long Bytes) Waiting => _queue.Waiting;

    public Task RoomAsync() => _queue.RoomAsync();

    public EnqueueResult Send(in EncodedMessage message, bool droppable)
    {
        var result = _queue.TryEnqueue(message, droppable);
        if (result == EnqueueResult.SendNow)
        {
            if (Write(message))
            {
                Continue();
            }

            return EnqueueResult.Queued;
        }

        return result;
    }

    /// <summary>Sends a ping unless something is being sent, which does as well to keep the way open.</summary>
    public void TryPing()
    {
        if (_queue.TryBegin() && Write(PingFrame))
        {
            Continue();
        }
    }

    /// <summary>Answers a ping, in its turn.</summary>
    public EnqueueResult Pong(ReadOnlySpan<byte> payload)
    {
        var rented = ArrayPool<byte>.Shared.Rent(FrameWriter.MaxControlBytes);
        payload.CopyTo(rented);
        var pong = new EncodedMessage(rented, payload.Length, receivedAt: IsPong);
        var result = Send(pong, droppable: false);
        if (result != EnqueueResult.Queued)
        {
            pong.Return();
        }

        return result;
    }

    /// <summary>No more messages: the close frame follows what waits.</summary>
    public void Complete(bool drop)
    {
        if (_queue.Complete(drop))
        {
            Finish();
        }
    }

    public void OnSent()
    {
        Done();
        Continue();
    }

    // Marks a pong in the queue; a timestamp is never negative.
    private const long IsPong = -1;

    // Sends what waits, as the one who sends, until it has to wait itself.
    private void Continue()
    {
        for (var turn = 0; !_isLast; turn++)
        {
            if (!_queue.TryNext(out var message, out var isLast))
            {
                if (isLast)
                {
                    Finish();
                }

                return;
            }

            if (turn == MaxInOneTurn)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static next => next.Sender.Resume(next.Message), (Sender: this, Message: message), preferLocal: false);
                return;
            }

            if (!Write(message))
            {
                return;
            }
        }

        session.OnCloseSent();
    }

    private void Resume(in EncodedMessage message)
    {
        if (Write(message))
        {
            Continue();
        }
    }

    private void Finish()
    {
        _isLast = true;
        var (code, text) = session.CloseFrame;
        if (code == 0)
        {
            session.OnCloseSent();
            return;
        }

        _frame = ArrayPool<byte>.Shared.Rent(FrameWriter.MaxControlBytes);
        if (Write(_frame.AsMemory(0, FrameWriter.WriteClose(_frame, code, text, FrameRole.Server))))
        {
            session.OnCloseSent();
        }
    }

    private bool Write(in EncodedMessage message)
    {
        var isPong = message.ReceivedAt == IsPong;
        _frame = ArrayPool<byte>.Shared.Rent(message.Length + FrameHead.MaxBytes);
        var length = FrameWriter.Write(_frame, isPong ? FrameOpcode.Pong : FrameOpcode.Text, message.Bytes.Span, FrameRole.Server);
        if (!isPong)
        {
            session.CountSent(message.Length);
            services.Metrics.MessageSent(message.Length);
            if (message.ReceivedAt != 0)
            {
                services.Metrics.Forwarded(services.Time.GetElapsedTime(message.ReceivedAt));
            }
        }

        message.Return();
        return Write(_frame.AsMemory(0, length));
    }

    private bool Write(ReadOnlyMemory<byte> frame)
    {
        // Negative until the connection has kept it: only then does it wait for the peer.
        var now = services.Time.GetTimestamp();
        Volatile.Write(ref _started, -now);
        if (!connection.Send(frame))
        {
            Interlocked.CompareExchange(ref _started, now, -now);
            return false;
        }

        Done();
        return true;
    }

    private void Done()
    {
        Volatile.Write(ref _started, 0);
        if (_frame is { } frame)
        {
            _frame = null;
            ArrayPool<byte>.Shared.Return(frame);
        }
    }
}
