using System.Threading.Tasks.Sources;
using Relay.Protocol;
using Relay.Telemetry;

namespace Relay.Sessions;

/// <summary>
/// What waits to be sent to one socket, bounded by count and by bytes. Many enqueue, one send loop takes. Once completed
/// it takes no more and hands out the rest.
/// </summary>
internal sealed class OutboundQueue(ClientSessionOptions options, RelayMetrics metrics) : IValueTaskSource<bool>
{
    private readonly Lock _lock = new();

    // Guarded by _lock. The queue is made at the first message that has to wait: most sockets are idle most of the time.
    private Queue<EncodedMessage>? _messages;
    private long _bytes;
    private bool _completed;
    private bool _waiting;
    private TaskCompletionSource? _room;
    private ManualResetValueTaskSourceCore<bool> _signal = new() { RunContinuationsAsynchronously = true };

    /// <summary>
    /// Unless the message was queued the caller still owns it. What may be lost (<paramref name="droppable"/>) gets half of
    /// the queue at most, so that a stream leaves room for the messages that may not.
    /// </summary>
    public EnqueueResult TryEnqueue(in EncodedMessage message, bool droppable = false)
    {
        var share = droppable ? 2 : 1;
        bool wake;
        lock (_lock)
        {
            if (_completed)
            {
                return EnqueueResult.Completed;
            }

            _messages ??= new Queue<EncodedMessage>();
            if (_messages.Count >= options.QueueMessages / share || _bytes + message.Length > options.QueueBytes / share)
            {
                return EnqueueResult.Full;
            }

            _messages.Enqueue(message);
            _bytes += message.Length;
            wake = _waiting;
            _waiting = false;
        }

        metrics.QueueChanged(1);
        if (wake)
        {
            _signal.SetResult(true);
        }

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

    public bool TryDequeue(out EncodedMessage message)
    {
        TaskCompletionSource? room = null;
        lock (_lock)
        {
            if (_messages is null || !_messages.TryDequeue(out message))
            {
                message = default;
                return false;
            }

            _bytes -= message.Length;
            if (HasRoom)
            {
                (room, _room) = (_room, null);
            }
        }

        metrics.QueueChanged(-1);
        room?.SetResult();
        return true;
    }

    /// <summary>Ends the queue; <paramref name="drop"/> returns what still waits.</summary>
    public void Complete(bool drop)
    {
        bool wake;
        TaskCompletionSource? room;
        lock (_lock)
        {
            _completed = true;
            wake = _waiting;
            _waiting = false;
            (room, _room) = (_room, null);
        }

        room?.SetResult();

        if (drop)
        {
            while (TryDequeue(out var message))
            {
                message.Return();
            }
        }

        if (wake)
        {
            _signal.SetResult(true);
        }
    }

    /// <summary>True when there is something to send; false when the queue is completed and empty. Send loop only.</summary>
    public ValueTask<bool> WaitAsync()
    {
        lock (_lock)
        {
            if (_messages is { Count: > 0 })
            {
                return ValueTask.FromResult(true);
            }

            if (_completed)
            {
                return ValueTask.FromResult(false);
            }

            _signal.Reset();
            _waiting = true;
            return new ValueTask<bool>(this, _signal.Version);
        }
    }

    // Under _lock.
    private bool HasRoom => _messages is null || (_messages.Count <= options.QueueMessages / 2 && _bytes <= options.QueueBytes / 2);

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        _signal.GetResult(token);
        lock (_lock)
        {
            return _messages is { Count: > 0 } || !_completed;
        }
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _signal.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _signal.OnCompleted(continuation, state, token, flags);
}

/// <summary>What became of a message.</summary>
internal enum EnqueueResult
{
    Queued,
    Full,
    Completed,
}
