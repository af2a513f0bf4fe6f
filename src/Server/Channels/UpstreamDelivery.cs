using Relay.Clients;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>
/// Brings upstream messages to owners, and keeps those of an owner that is away or busy: neither a backlog nor a crowd of
/// subscribers can fill an owner's outgoing queue. A sweep goes on where an owner was busy, and expires what waited too long.
/// </summary>
internal sealed class UpstreamDelivery(UpstreamQueue queue)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>Sends a message to the owner that <see cref="UpstreamQueue.TryRoute"/> gave, or lets it wait.</summary>
    public void Send(string channelId, Client sender, Client? owner, in EncodedMessage message)
    {
        var shared = new SharedMessage(message);
        if (owner is not null && owner.Session.TrySend(shared.Share()))
        {
            shared.Dispose();
        }
        else
        {
            queue.Add(channelId, sender.Session.Key, shared);
            Deliver(channelId);
        }
    }

    /// <summary>Hands the channel's owner what waits, in order, as much as it takes.</summary>
    public void Deliver(string channelId)
    {
        if (queue.BeginDelivery(channelId) is not { } channel)
        {
            return;
        }

        var step = default(DeliveryStep);
        while (queue.TryNext(channel, ref step))
        {
            if (step.Waiting is null)
            {
                step.Owner.Send(MessageWriter.Write(new ChannelOwnerRegistered(channelId), ServerJson.Default.ChannelOwnerRegistered));
            }
            else if (!step.Owner.Session.TrySend(step.Message))
            {
                queue.Pause(channel);
                return;
            }
        }
    }

    public void Sweep()
    {
        while (queue.Expire())
        {
        }

        foreach (var channel in queue.TakePaused())
        {
            Deliver(channel.Id);
        }
    }
}
