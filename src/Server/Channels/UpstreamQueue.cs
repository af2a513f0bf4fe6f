using Relay.Addresses;
using Relay.Clients;
using Relay.Memory;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Channels;

/// <summary>An upstream message that waits for its channel's owner. Guarded by the directory's lock.</summary>
internal sealed class WaitingMessage(Channel channel, IpKey sender, SharedMessage message, long since)
{
    public Channel Channel => channel;

    /// <summary>What the sender's address counts by.</summary>
    public IpKey Sender => sender;

    public SharedMessage Message => message;

    public long Since => since;

    // Its nodes in the queue of the channel and in that of all, and what its sender's address holds by it.
    public LinkedListNode<WaitingMessage>? OfChannel { get; set; }

    public LinkedListNode<WaitingMessage>? OfAll { get; set; }

    public LinkedListNode<Held<WaitingMessage>>? Share { get; set; }

    public LinkedListNode<Held<WaitingMessage>>? ShareOfChannel { get; set; }

    /// <summary>Given when it is sent to another relay, and kept while that may have got it without saying so; else 0.</summary>
    public long Number { get; set; }

    /// <summary>The relay that may have got it.</summary>
    public ulong SentTo { get; set; }

    public bool IsWaiting => OfAll?.List is not null;
}

/// <summary>What a channel's owner gets next: a message that waited, or without one the confirmation that it owns the channel.</summary>
/// <param name="Owner">Null: it is at another relay, which the message is for: <see cref="WaitingMessage.SentTo"/>.</param>
internal readonly record struct DeliveryStep(Client? Owner, EncodedMessage Message, WaitingMessage? Waiting);

/// <summary>
/// Upstream messages whose owners are away or busy, bounded per channel and in total. When a bound is reached, the newest
/// message goes of whichever sending address has most waiting. All may wait equally long, so the oldest of all is the oldest of its
/// channel.
/// </summary>
internal sealed class UpstreamQueue(
    ChannelDirectory directory, ChannelOptions options, Sessions.ClientSessionOptions sessions, MemoryBudget memory, TimeProvider time)
{
    /// <summary>What a message costs beside its bytes: its entry, and its channel when nothing else keeps that alive.</summary>
    public const int Overhead = 256;

    // Messages that expire under one holding of the lock.
    private const int ExpireAtOnce = 1000;

    // All that may wait: a part of the memory budget, so that it is never what keeps others waiting.
    private readonly long _maxBytes = Math.Min(options.UpstreamTotalBytes, memory.PartLimit);

    // Guarded by the directory's lock, all of the following.
    private readonly LinkedList<WaitingMessage> _byAge = [];
    private readonly FairPool<WaitingMessage> _shares = new();
    private readonly HashSet<Channel> _paused = [];
    private long _lastNumber;

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

    /// <summary>Keeps a message of a subscriber at this address for the owner. It is the queue's from here on, which may drop it, or another, at once.</summary>
    public void Add(string channelId, IpKey sender, SharedMessage message) => Add(channelId, sender, message, time.GetTimestamp());

    /// <summary>The same since a moment that is no earlier than those of all that wait.</summary>
    public void Add(string channelId, IpKey sender, SharedMessage message, long since)
    {
        lock (directory.Lock)
        {
            // What no owner's outgoing queue could take would only be in the way of the rest: others' messages get half of it.
            if (message.Length > sessions.QueueBytes / 2)
            {
                Dropped++;
                message.Dispose();
                return;
            }

            var channel = directory.Find(channelId)!;
            var waiting = new WaitingMessage(channel, sender, message, since);
            var size = message.Length + Overhead;

            // Many small ones take as many places as they could: each counts as the place it takes.
            channel.WaitingShares ??= new FairPool<WaitingMessage>();
            waiting.ShareOfChannel = channel.WaitingShares.Add(sender, Math.Max(size, options.UpstreamQueueBytes / options.UpstreamQueue), waiting);
            waiting.Share = _shares.Add(sender, size, waiting);
            waiting.OfChannel = channel.Waiting.AddLast(waiting);
            waiting.OfAll = _byAge.AddLast(waiting);
            channel.WaitingBytes += size;
            Bytes += size;
            memory.Add(Overhead);
            message.Keep(memory);
            while (waiting.IsWaiting && (channel.Waiting.Count > options.UpstreamQueue || channel.WaitingBytes > options.UpstreamQueueBytes))
            {
                Drop(channel.WaitingShares!.Surplus(waiting.ShareOfChannel).Last!.Value.Item);
            }

            while (Bytes > _maxBytes && waiting.IsWaiting)
            {
                Drop(_shares.Surplus(waiting.Share).Last!.Value.Item);
            }
        }
    }

    /// <summary>The channel if it has an owner, here or elsewhere, and no other thread delivers to it: the caller delivers, step by step.</summary>
    public Channel? BeginDelivery(string channelId)
    {
        lock (directory.Lock)
        {
            if (directory.Find(channelId) is not { IsDelivering: false } channel || (channel.Owner is null && channel.Elsewhere.Owner is null))
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
            if ((channel.Owner is not null || channel.Elsewhere.Owner is not null) && Next(channel) is { } waiting)
            {
                if (channel.Owner is null && waiting.Number == 0)
                {
                    (waiting.Number, waiting.SentTo) = (++_lastNumber, channel.Elsewhere.Owner!.Epoch);
                }

                // A share of its own, because the message may expire on its way. It stays in the queue until it has arrived.
                step = new DeliveryStep(channel.Owner, waiting.Message.Share(), waiting);
            }
            else if (channel is { Owner: { } confirmed, Confirmations: > 0, Waiting.Count: 0 })
            {
                channel.Confirmations--;
                step = new DeliveryStep(confirmed, default, null);
            }
            else
            {
                channel.IsDelivering = false;
                Pause(channel);
                return false;
            }

            return true;
        }
    }

    /// <summary>The owner takes no more of the last step's sender now: what its address has waiting stays for a later delivery.</summary>
    public void Skip(Channel channel, ref DeliveryStep step)
    {
        lock (directory.Lock)
        {
            (channel.Refused ??= []).Add(step.Waiting!.Sender);
            step.Waiting.Number = 0;
            step = default;
        }
    }

    /// <summary>The delivery is over, because the owner's relay did not take what it was sent.</summary>
    /// <param name="mayHaveArrived">It has not answered. Else it has not got it, or has no owner any more.</param>
    public void Break(Channel channel, in DeliveryStep step, bool mayHaveArrived)
    {
        lock (directory.Lock)
        {
            step.Waiting!.Number = mayHaveArrived ? step.Waiting.Number : 0;
            channel.Elsewhere.Unanswered = mayHaveArrived ? step.Waiting : null;
            channel.IsDelivering = false;
            (channel.Refused ??= []).Add(step.Waiting.Sender);
            Pause(channel);
            directory.MarkChanged(channel);
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

                Drop(oldest.Value);
            }

            return true;
        }
    }

    // A sweep goes on where somebody took no more.
    private void Pause(Channel channel)
    {
        if (channel.Refused is not null)
        {
            channel.Refused = null;
            _paused.Add(channel);
        }
    }

    private WaitingMessage? Next(Channel channel)
    {
        if (channel.Elsewhere.Unanswered is { } unanswered)
        {
            channel.Elsewhere.Unanswered = null;
            if (unanswered.IsWaiting && channel.Owner is null && channel.Elsewhere.Owner?.Epoch == unanswered.SentTo)
            {
                return unanswered;
            }

            if (unanswered.IsWaiting)
            {
                // Whoever owned the channel may have got it: the next owner must not get it again.
                Drop(unanswered);
            }
        }

        var next = channel.Waiting.First;
        while (next is not null && channel.Refused?.Contains(next.Value.Sender) == true)
        {
            next = next.Next;
        }

        return next?.Value;
    }

    private void Drop(WaitingMessage waiting)
    {
        Dropped++;
        Remove(waiting);
    }

    private void Remove(WaitingMessage waiting)
    {
        // It may have been dropped while it was handed over.
        if (!waiting.IsWaiting)
        {
            return;
        }

        var channel = waiting.Channel;
        var size = waiting.Message.Length + Overhead;
        _byAge.Remove(waiting.OfAll!);
        _shares.Remove(waiting.Share!);
        channel.Waiting.Remove(waiting.OfChannel!);
        channel.WaitingShares!.Remove(waiting.ShareOfChannel!);
        channel.WaitingShares = channel.Waiting.Count > 0 ? channel.WaitingShares : null;
        channel.WaitingBytes -= size;
        Bytes -= size;
        memory.Release(Overhead);
        waiting.Message.Unkeep(memory);
        waiting.Message.Dispose();
        directory.Discard(channel);
    }
}
