using Google.Protobuf;
using Relay.Addresses;
using Relay.Protocol;
using Relay.Protocol.Moving;

namespace Relay.Sessions;

/// <summary>What waits to be sent, when the session moves to another process.</summary>
internal abstract partial class FrameSender
{
    /// <summary>Somebody is about to send a message that waits nowhere else.</summary>
    public bool IsBetweenMessages
    {
        get
        {
            lock (this)
            {
                return _isSending && !connection.IsKeeping;
            }
        }
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

    /// <summary>Writes down what waits, beside what the connection has.</summary>
    protected void SaveQueue(MovedClient state, MovedTime time)
    {
        lock (this)
        {
            (state.MessagesSent, state.BytesSent) = (MessagesSent, BytesSent);
            foreach (var (message, kind, sender) in _queue?.Messages ?? [])
            {
                state.Queue.Add(new MovedMessage
                {
                    Bytes = ByteString.CopyFrom(message.Bytes.Span),
                    Kind = (uint)kind,
                    Sender = MovedAddresses.ToMessage(sender),
                    IsPong = message.IsPong,
                    Received = time.AgeOf(message.ReceivedAt),
                });
            }
        }
    }

    /// <summary>The same messages wait, and nothing is sent until <see cref="SendWaiting"/>.</summary>
    protected void RestoreQueue(MovedClient state, MovedTime time)
    {
        lock (this)
        {
            (MessagesSent, BytesSent) = (state.MessagesSent, state.BytesSent);
            if (state.Queue.Count == 0)
            {
                return;
            }

            _isSending = true;
            _queue = services.Queues.Get();
            _queue.Memory = connection.Memory;
            foreach (var waiting in state.Queue)
            {
                var message = EncodedMessage.CopyOf(waiting.Bytes.Span, time.TimestampOf(waiting.Received), waiting.IsPong);
                _queue.Restore(new QueuedMessage(message, (SendKind)waiting.Kind, MovedAddresses.Read(waiting.Sender)), services.Options);
            }
        }

        services.Metrics.QueueChanged(state.Queue.Count);
    }

    /// <summary>The connection is this process' alone: what waits goes out.</summary>
    protected void SendWaiting()
    {
        if (IsBetweenMessages)
        {
            Continue();
        }
    }

    /// <summary>Another process sends from now on.</summary>
    protected void StopSending()
    {
        OutboundQueue? dropped;
        lock (this)
        {
            (_isCompleted, _isOver) = (true, true);
            (dropped, _queue) = (_queue, null);
        }

        if (dropped is not null)
        {
            services.Metrics.QueueChanged(-dropped.Clear(services.Options));
            services.Queues.Return(dropped);
        }
    }
}
