using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>
/// What waits to be sent to one socket, bounded by count and by bytes. It exists only while something waits and goes back
/// to a pool then: most sockets are idle most of the time. Not thread-safe; <see cref="FrameSender"/> guards it.
/// </summary>
internal sealed class OutboundQueue
{
    private readonly Queue<EncodedMessage> _messages = [];
    private TaskCompletionSource? _room;

    public int Count => _messages.Count;

    public long Bytes { get; private set; }

    /// <summary>
    /// False: it is full, and the message is still the caller's. What may be lost (<paramref name="droppable"/>) gets half of
    /// the queue at most, so that a stream leaves space for the messages that may not.
    /// </summary>
    public bool TryAdd(in EncodedMessage message, bool droppable, ClientSessionOptions options)
    {
        var share = droppable ? 2 : 1;
        if (_messages.Count >= options.QueueMessages / share || Bytes + message.Length > options.QueueBytes / share)
        {
            return false;
        }

        _messages.Enqueue(message);
        Bytes += message.Length;
        return true;
    }

    /// <summary>The message that has waited longest, which is the caller's from here on.</summary>
    public bool TryTake(out EncodedMessage message, ClientSessionOptions options)
    {
        if (!_messages.TryDequeue(out message))
        {
            return false;
        }

        Bytes -= message.Length;
        if (HasRoom(options))
        {
            StopWaiting();
        }

        return true;
    }

    /// <summary>
    /// Done when at most half of the queue is taken, or <see cref="StopWaiting"/> was called. Whoever reads from the socket waits for
    /// this before the next message: many messages sent at once, whose answers nobody had time to send yet, make no slow
    /// receiver. Streams take half of the queue at most, so they alone hold nobody up.
    /// </summary>
    public Task RoomAsync(ClientSessionOptions options)
    {
        if (HasRoom(options))
        {
            return Task.CompletedTask;
        }

        _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _room.Task;
    }

    /// <summary>Resumes the reader that waits for space.</summary>
    public void StopWaiting()
    {
        _room?.SetResult();
        _room = null;
    }

    private bool HasRoom(ClientSessionOptions options) => _messages.Count <= options.QueueMessages / 2 && Bytes <= options.QueueBytes / 2;
}
