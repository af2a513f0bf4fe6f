using Relay.Protocol;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>
/// The sending side of a session: messages as frames to the connection, in order. Straight from whoever sends while nothing
/// waits, else through a queue that exists only while it is needed. No lock is held while it sends.
/// </summary>
internal abstract class FrameSender(Connection connection, SessionServices services)
{
    // Frames that one caller sends for others before the pool goes on with it.
    private const int MaxInOneTurn = 64;

    // Guarded by the object's own monitor, which nobody else enters: a lock would be one more object for each idle socket.
    private OutboundQueue? _queue;
    private bool _isSending;
    private bool _isCompleted;
    private bool _isOver;

    // Of the one who sends: what is to be returned when it has gone, and whether it was the close frame.
    private object? _onItsWay;
    private bool _isLast;

    // Atomic.
    private long _writeStarted;

    /// <summary>Counted by the one who sends; anybody reads.</summary>
    public long MessagesSent;
    public long BytesSent;

    /// <summary>When the write began that the connection keeps because its peer does not read, or 0.</summary>
    public long WriteStarted => Math.Max(0, Volatile.Read(ref _writeStarted));

    /// <summary>What waits to be sent.</summary>
    public (int Messages, long Bytes) Queued
    {
        get
        {
            lock (this)
            {
                return _queue is { } queue ? (queue.Count, queue.Bytes) : default;
            }
        }
    }

    protected Connection Connection => connection;

    protected SessionServices Services => services;

    /// <summary>The close frame that follows the last message; empty: none. Asked once, after <see cref="Complete"/>.</summary>
    protected abstract ReadOnlyMemory<byte> CloseFrame { get; }

    /// <summary>Sends a ping unless something is being sent, which does as well to keep the way open.</summary>
    public void TryPing()
    {
        lock (this)
        {
            if (_isSending || _isCompleted)
            {
                return;
            }

            _isSending = true;
        }

        if (Write(FrameWriter.Ping, services.Time.GetTimestamp()))
        {
            Continue();
        }
    }

    /// <summary>Nothing more goes out.</summary>
    protected abstract void OnCloseSent();

    /// <summary>Sends or queues the message. Unless it was accepted it is still the caller's.</summary>
    protected SendResult Enqueue(in EncodedMessage message, bool droppable)
    {
        lock (this)
        {
            if (_isCompleted)
            {
                return SendResult.Completed;
            }

            if (_isSending)
            {
                _queue ??= services.Queues.Get();
                if (!_queue.TryAdd(message, droppable, services.Options))
                {
                    return SendResult.Full;
                }

                services.Metrics.QueueChanged(1);
                return SendResult.Accepted;
            }

            _isSending = true;
        }

        if (Write(message))
        {
            Continue();
        }

        return SendResult.Accepted;
    }

    /// <summary>See <see cref="OutboundQueue.RoomAsync"/>.</summary>
    protected Task RoomAsync()
    {
        if (Volatile.Read(ref _queue) is null)
        {
            return Task.CompletedTask;
        }

        lock (this)
        {
            return _isCompleted || _queue is null ? Task.CompletedTask : _queue.RoomAsync(services.Options);
        }
    }

    /// <summary>No more messages: the close frame follows what waits, which <paramref name="drop"/> returns unsent.</summary>
    protected void Complete(bool drop)
    {
        OutboundQueue? dropped = null;
        bool isLast;
        lock (this)
        {
            _isCompleted = true;
            isLast = !_isSending && !_isOver;
            _isOver |= isLast;
            _queue?.StopWaiting();
            if (drop)
            {
                (dropped, _queue) = (_queue, null);
            }
        }

        if (dropped is not null)
        {
            Drop(dropped);
        }

        if (isLast)
        {
            Finish();
        }
    }

    /// <summary>What the connection had kept has gone: goes on with what waits.</summary>
    protected void Resume()
    {
        Done();
        Continue();
    }

    private void Drop(OutboundQueue queue)
    {
        while (queue.TryTake(out var message, services.Options))
        {
            services.Metrics.QueueChanged(-1);
            message.Return();
        }

        services.Queues.Return(queue);
    }

    // Sends what waits, as the one who sends, until it has to wait itself.
    private void Continue()
    {
        for (var turn = 0; !_isLast; turn++)
        {
            if (!TryNext(out var message, out var isLast))
            {
                if (isLast)
                {
                    Finish();
                }

                return;
            }

            if (turn == MaxInOneTurn)
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    static next => next.Sender.WriteAndContinue(next.Message), (Sender: this, Message: message), preferLocal: false);
                return;
            }

            if (!Write(message))
            {
                return;
            }
        }

        OnCloseSent();
    }

    private void WriteAndContinue(in EncodedMessage message)
    {
        if (Write(message))
        {
            Continue();
        }
    }

    // The next message for the one who sends. False: there is none, and the caller sends no longer, unless it is the last to do so.
    private bool TryNext(out EncodedMessage message, out bool isLast)
    {
        lock (this)
        {
            isLast = false;
            message = default;
            var found = _queue is not null && _queue.TryTake(out message, services.Options);
            if (_queue is { Count: 0 })
            {
                services.Queues.Return(_queue);
                _queue = null;
            }

            if (!found)
            {
                isLast = _isCompleted && !_isOver;
                _isOver |= _isCompleted;
                _isSending = false;
                return false;
            }
        }

        services.Metrics.QueueChanged(-1);
        return true;
    }

    private void Finish()
    {
        _isLast = true;
        var frame = CloseFrame;
        if (frame.IsEmpty || Write(frame, services.Time.GetTimestamp()))
        {
            OnCloseSent();
        }
    }

    private bool Write(in EncodedMessage message)
    {
        var now = services.Time.GetTimestamp();
        var buffer = message.WithHeadRoom;
        var opcode = message.IsPong ? FrameOpcode.Pong : FrameOpcode.Text;
        var start = FrameWriter.Prepend(buffer.Span, EncodedMessage.HeadRoom, opcode, FrameRole.Server);
        if (!message.IsPong)
        {
            MessagesSent++;
            BytesSent += message.Length;
            services.Metrics.MessageSent(message.Length);
            if (message.ReceivedAt != 0)
            {
                services.Metrics.Forwarded(services.Time.GetElapsedTime(message.ReceivedAt, now));
            }
        }

        _onItsWay = message.Owner;
        return Write(buffer[start..], now);
    }

    private bool Write(ReadOnlyMemory<byte> frame, long now)
    {
        // Negative until the connection has kept it: only then does it wait for the peer.
        Volatile.Write(ref _writeStarted, -now);
        if (!connection.Send(frame))
        {
            Interlocked.CompareExchange(ref _writeStarted, now, -now);
            return false;
        }

        Done();
        return true;
    }

    private void Done()
    {
        Volatile.Write(ref _writeStarted, 0);
        if (_onItsWay is { } owner)
        {
            _onItsWay = null;
            EncodedMessage.Return(owner);
        }
    }
}
