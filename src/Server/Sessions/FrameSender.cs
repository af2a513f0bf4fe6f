using Relay.Addresses;
using Relay.Protocol;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>
/// The sending side of a session: messages as frames to the connection, in order. Straight from whoever sends while nothing
/// waits, else through a queue that exists only while it is needed. No lock is held while it sends.
/// </summary>
internal abstract partial class FrameSender(Connection connection, SessionServices services)
{
    // Frames that one caller sends for others before the pool goes on with it.
    private const int MaxInOneTurn = 64;

    // Of a session's messages every so many that were forwarded are timed: to time a message costs as much as to queue it.
    private const int TimedMessages = 8;

    // Instead of the moment while the connection has not decided whether it keeps the frame.
    private const long Undecided = -1;

    // Guarded by the object's own monitor, which nobody else enters: a lock would be one more object for each idle socket.
    private OutboundQueue? _queue;
    private bool _isSending;
    private bool _isCompleted;
    private bool _isOver;

    // Of the one who sends: what is to be returned when it has gone, whether it was the close frame, whether the receiver asked for it.
    private object? _onItsWay;
    private bool _isLast;
    private volatile bool _isAsked;

    // Atomic.
    private long _writeStarted;

    /// <summary>Counted by the one who sends; anybody reads.</summary>
    public long MessagesSent;
    public long BytesSent;

    /// <summary>When the write began that the connection keeps because its peer does not read, or 0.</summary>
    public long WriteStarted => Math.Max(0, Volatile.Read(ref _writeStarted));

    /// <summary>True when something waits, or is on its way, that the receiver asked for: not only what others send it.</summary>
    public bool OwesAnswer
    {
        get
        {
            lock (this)
            {
                return _isAsked || _queue?.HasAsked == true;
            }
        }
    }

    /// <summary>What waits to be sent, and what all that is unsent holds of the memory budget.</summary>
    public (int Messages, long Bytes, long Held) Queued
    {
        get
        {
            lock (this)
            {
                return (_queue?.Count ?? 0, _queue?.Bytes ?? 0, (_queue?.HeldBytes ?? 0) + connection.KeptBytes(_onItsWay));
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

        if (Write(FrameWriter.Ping, SendKind.Asked))
        {
            Continue();
        }
    }

    /// <summary>Nothing more goes out.</summary>
    protected abstract void OnCloseSent();

    /// <summary>
    /// Sends or queues the message. Unless it was accepted it is still the caller's. What another client caused counts against
    /// <paramref name="sender"/>, should it have to wait.
    /// </summary>
    protected SendResult Enqueue(in EncodedMessage message, SendKind kind, in IpKey sender = default)
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
                _queue.Memory = connection.Memory;
                var added = _queue.TryAdd(new QueuedMessage(message, kind, sender), services.Options, out var displaced);
                services.Metrics.QueueChanged(added ? 1 : 0, displaced);
                connection.Touch();
                return added ? SendResult.Accepted : SendResult.Full;
            }

            _isSending = true;
        }

        if (Write(message, kind))
        {
            Continue();
        }

        return SendResult.Accepted;
    }

    /// <summary>No more messages: the close frame follows what waits, which <paramref name="drop"/> returns unsent.</summary>
    protected void Complete(bool drop)
    {
        OutboundQueue? dropped;
        bool isLast;
        lock (this)
        {
            _isCompleted = true;
            isLast = !_isSending && !_isOver;
            _isOver |= isLast;
            _queue?.StopWaiting();
            dropped = drop ? _queue : null;
            _queue = drop ? null : _queue;
        }

        if (dropped is not null)
        {
            services.Metrics.QueueChanged(-dropped.Clear(services.Options));
            services.Queues.Return(dropped);
        }

        if (isLast)
        {
            Finish();
        }
    }

    /// <summary>What the connection had kept has gone: goes on with what waits.</summary>
    protected void Resume()
    {
        connection.Unkeep(_onItsWay);
        Done();
        Continue();
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

            if (!Write(message.Message, message.Kind))
            {
                return;
            }
        }

        OnCloseSent();
    }

    private void WriteAndContinue(in QueuedMessage message)
    {
        if (Write(message.Message, message.Kind))
        {
            Continue();
        }
    }

    // The next message for the one who sends. False: there is none, and the caller sends no longer, unless it is the last to do so.
    private bool TryNext(out QueuedMessage message, out bool isLast)
    {
        lock (this)
        {
            (isLast, message) = (false, default);
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
        if (frame.IsEmpty || Write(frame, SendKind.Asked))
        {
            OnCloseSent();
        }
    }

    private bool Write(in EncodedMessage message, SendKind kind)
    {
        var buffer = message.WithHeadRoom;
        var start = FrameWriter.Prepend(buffer.Span, EncodedMessage.HeadRoom, message.IsPong ? FrameOpcode.Pong : FrameOpcode.Text, FrameRole.Server);
        if (!message.IsPong)
        {
            if (message.ReceivedAt != 0 && MessagesSent % TimedMessages == 0)
            {
                services.Metrics.Forwarded(services.Time.GetElapsedTime(message.ReceivedAt));
            }

            MessagesSent++;
            BytesSent += message.Length;
            services.Metrics.MessageSent(message.Length, isForward: message.ReceivedAt != 0);
        }

        _onItsWay = message.Owner;
        return Write(buffer[start..], kind);
    }

    private bool Write(ReadOnlyMemory<byte> frame, SendKind kind)
    {
        _isAsked = kind == SendKind.Asked;
        Volatile.Write(ref _writeStarted, Undecided);
        var owner = _onItsWay;
        if (!connection.Send(frame))
        {
            // Unless it has gone already.
            connection.Keep(owner);
            Interlocked.CompareExchange(ref _writeStarted, services.Time.GetTimestamp(), Undecided);
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
