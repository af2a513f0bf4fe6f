using Relay.Protocol;
using Relay.Telemetry;

namespace Relay.Sessions;

/// <summary>
/// What waits to be sent to one socket, bounded by count and by bytes. Many enqueue; one at a time sends, whoever found
/// that nobody does. Once completed it takes no more and hands out the rest.
/// </summary>
internal sealed class OutboundQueue(ClientSessionOptions options, RelayMetrics metrics)
{
    private readonly Lock _lock = new();

    // Guarded by _lock. The queue is made at the first message that has to wait: most sockets are idle most of the time.
    private Queue<EncodedMessage>? _messages;
    private long _bytes;
    private bool _completed;
    private bool _isSending;
    private bool _isOver;
    private TaskCompletionSource? _room;

    /// <summary>
    /// Unless the message was queued the caller still owns it. Where nothing is being sent the caller is to send it, and then
    /// whatever <see cref="TryNext"/> gives. What may be lost (<paramref name="droppable"/>) gets half of
    /// the queue at most, so that a stream leaves room for the messages that may not.
    /// </summary>
    public EnqueueResult TryEnqueue(in EncodedMessage message, bool droppable = false)
    {
        var share = droppable ? 2 : 1;
        lock (_lock)
        {
            if (_completed)
            {
                return EnqueueResult.Completed;
            }

            if (!_isSending)
            {
                _isSending = true;
                return EnqueueResult.SendNow;
            }

            _messages ??= new Queue<EncodedMessage>();
            if (_messages.Count >= options.QueueMessages / share || _bytes + message.Length > options.QueueBytes / share)
            {
                return EnqueueResult.Full;
            }

            _messages.Enqueue(message);
            _bytes += message.Length;
        }

        metrics.QueueChanged(1);
        return EnqueueResult.Queued;
    }

    /// <summary>
    /// Done when at most half of the queue is taken, or it is completed. Whoever reads from the socket waits for this before
    /// the next message: many messages sent at once, whose answers nobody had time to send yet, make no slow receiver.
    /// Streams take half of the queue at most, so they alone hold nobody up.
    /// </summary>
    public Task RoomAsync()
    {
        lock (_lock)
        {
            if (_completed || HasRoom)
            {
                return Task.CompletedTask;
            }

            _room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }

    /// <summary>Messages and bytes that wait.</summary>
    public (int Messages, long Bytes) Waiting
    {
        get
        {
            lock (_lock)
            {
                return (_messages?.Count ?? 0, _bytes);
            }
        }
    }

    /// <summary>Makes the caller the one who sends; false: somebody else is, or the queue is completed.</summary>
    public bool TryBegin()
    {
        lock (_lock)
        {
            if (_isSending || _completed)
            {
                return false;
            }

            return _isSending = true;
        }
    }

    /// <summary>The next message for the one who sends; false: there is none, and the caller sends no longer.</summary>
    /// <param name="isLast">True, when there is none: the queue is completed, and the caller is the last to send.</param>
    public bool TryNext(out EncodedMessage message, out bool isLast)
    {
        TaskCompletionSource? room;
        lock (_lock)
        {
            isLast = false;
            if (_messages is null || !_messages.TryDequeue(out message))
            {
                message = default;
                isLast = _completed && !_isOver;
                _isOver |= _completed;
                _isSending = false;
                return false;
            }

            room = Remove(message);
        }

        metrics.QueueChanged(-1);
        room?.SetResult();
        return true;
    }

    /// <summary>
    /// Ends the queue; <paramref name="drop"/> returns what still waits. True: nobody is sending, and the caller is the last to do so.
    /// </summary>
    public bool Complete(bool drop)
    {
        TaskCompletionSource? room;
        Queue<EncodedMessage>? dropped = null;
        bool isLast;
        lock (_lock)
        {
            _completed = true;
            isLast = !_isSending && !_isOver;
            _isOver |= isLast;
            (room, _room) = (_room, null);
            if (drop)
            {
                (dropped, _messages, _bytes) = (_messages, null, 0);
            }
        }

        room?.SetResult();
        while (dropped is not null && dropped.TryDequeue(out var message))
        {
            metrics.QueueChanged(-1);
            message.Return();
        }

        return isLast;
    }

    // Under _lock. Who waits for room, when there is some.
    private TaskCompletionSource? Remove(in EncodedMessage message)
    {
        _bytes -= message.Length;
        if (_messages!.Count == 0)
        {
            // Most sockets are idle most of the time.
            _messages = null;
        }

        if (!HasRoom)
        {
            return null;
        }

        var room = _room;
        _room = null;
        return room;
    }

    // Under _lock.
    private bool HasRoom => _messages is null || (_messages.Count <= options.QueueMessages / 2 && _bytes <= options.QueueBytes / 2);
}

/// <summary>What became of a message.</summary>
internal enum EnqueueResult
{
    Queued,

    /// <summary>Nothing is being sent: the caller sends it.</summary>
    SendNow,
    Full,
    Completed,
}
