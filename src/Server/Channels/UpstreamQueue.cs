using Relay.Clients;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>An upstream message that waits for its channel's owner.</summary>
internal readonly record struct WaitingMessage(Channel Channel, SharedMessage Message, long Since);

/// <summary>What a channel's owner gets next: a message that waited, or without one the confirmation that it owns the channel.</summary>
internal readonly record struct DeliveryStep(Client Owner, EncodedMessage Message, LinkedListNode<WaitingMessage>? Waiting);

/// <summary>
/// Upstream messages whose owners are away or busy, bounded per channel and in total. All may wait equally long, so the oldest
/// of all is the oldest of its channel.
/// </summary>
internal sealed class UpstreamQueue(ChannelDirectory directory, ChannelOptions options, Sessions.ClientSessionOptions sessions, TimeProvider time)
{
    /// <summary>What a message costs beside its bytes: its entry, and its channel when nothing else keeps that alive.</summary>
    public const int Overhead = 256;

    // Messages that expire under one holding of the lock.
    private const int ExpireAtOnce = 1000;

    // Guarded by the directory's lock, all of the following.
    private readonly LinkedList<WaitingMessage> _byAge = [];
    private readonly HashSet<Channel> _paused = [];

    public int Count => _byAge.Count;

    public long Bytes { get; private set; }

    /// <summary>Messages that never reached an owner: the queue was full, or the owner did not come in time.</summary>
    public long Dropped { get; private set; }

    /// <summary>False when the client is no subscriber. The owner is given only if nothing is on its way that must come first.</summary>
    public bool TryRoute(Client client, string channelId, out Client? owner)
    {
        lock (directory.Lock)
        {
            var channel = directory.Find(channelId);
            owner = channel is { Waiting.Count: 0, IsDelivering: false, Confirmations: 0 } ? channel.Owner : null;
            return channel?.HasSubscriber(client) == true;
        }
    }

    /// <summary>Keeps a subscriber's message for the owner, or drops it when the queue is full. It is the queue's from here on.</summary>
    public void Add(string channelId, SharedMessage message)
    {
        lock (directory.Lock)
        {
            var channel = directory.Find(channelId)!;
            var size = message.Length + Overhead;

            // What no owner's outgoing queue could take would only be in the way of the rest: droppable messages get half of it.
            if (message.Length > sessions.QueueBytes / 2
                || channel.Waiting.Count >= options.UpstreamQueue
                || channel.WaitingBytes + size > options.UpstreamQueueBytes
                || Bytes + size > options.UpstreamTotalBytes)
            {
                Dropped++;
                message.Dispose();
                return;
            }

            channel.Waiting.Enqueue(_byAge.AddLast(new WaitingMessage(channel, message, time.GetTimestamp())));
            channel.WaitingBytes += size;
            Bytes += size;
        }
    }

    /// <summary>The channel if it has an owner and no other thread delivers to it: the caller delivers, step by step.</summary>
    public Channel? BeginDelivery(string channelId)
    {
        lock (directory.Lock)
        {
            if (directory.Find(channelId) is not { Owner: not null, IsDelivering: false } channel)
            {
                return null;
            }

            _paused.Remove(channel);
            channel.IsDelivering = true;
            return channel;
        }
    }

    /// <summary>The last step was done. Gives the next one; false: there is none, the delivery is over.</summary>
    public bool TryNext(Channel channel, ref DeliveryStep step)
    {
        lock (directory.Lock)
        {
            if (step.Waiting is { } delivered)
            {
                Remove(delivered);
            }

            step = default;
            if (channel.Owner is { } owner && channel.Waiting.TryPeek(out var waiting))
            {
                // A share of its own, because the message may expire on its way. It stays in the queue until it has arrived.
                step = new DeliveryStep(owner, waiting.Value.Message.Share(), waiting);
            }
            else if (channel is { Owner: { } confirmed, Confirmations: > 0 })
            {
                channel.Confirmations--;
                step = new DeliveryStep(confirmed, default, null);
            }

            return channel.IsDelivering = step.Owner is not null;
        }
    }

    /// <summary>The owner took no more: the rest stays for a later delivery.</summary>
    public void Pause(Channel channel)
    {
        lock (directory.Lock)
        {
            channel.IsDelivering = false;
            _paused.Add(channel);
        }
    }

    /// <summary>Channels whose owners took no more when they were last asked.</summary>
    public IReadOnlyList<Channel> TakePaused()
    {
        lock (directory.Lock)
        {
            Channel[] paused = [.. _paused];
            _paused.Clear();
            return paused;
        }
    }

    /// <summary>Drops messages that have waited too long; true when there may be more.</summary>
    public bool Expire()
    {
        lock (directory.Lock)
        {
            for (var expired = 0; expired < ExpireAtOnce; expired++)
            {
                if (_byAge.First is not { } oldest || time.GetElapsedTime(oldest.Value.Since) < options.UpstreamLifetime)
                {
                    return false;
                }

                Dropped++;
                Remove(oldest);
                directory.Discard(oldest.Value.Channel);
            }

            return true;
        }
    }

    private void Remove(LinkedListNode<WaitingMessage> node)
    {
        // It may have expired while it was handed over.
        if (node.List is null)
        {
            return;
        }

        var (channel, message, _) = node.Value;
        _byAge.Remove(node);
        channel.Waiting.Dequeue();
        channel.WaitingBytes -= message.Length + Overhead;
        Bytes -= message.Length + Overhead;
        message.Dispose();
    }
}
