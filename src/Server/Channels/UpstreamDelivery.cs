using Relay.Clients;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Channels;

/// <summary>
/// Brings upstream messages to owners, and keeps those of an owner that is away or busy: neither a backlog nor a crowd of
/// subscribers can fill an owner's outgoing queue. A sweep goes on where an owner was busy, and expires what waited too long.
/// </summary>
internal sealed class UpstreamDelivery(UpstreamQueue queue, RemoteUpstream remote)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>Sends a message to the owner that <see cref="UpstreamQueue.TryRoute"/> gave, or lets it wait.</summary>
    public void Send(string channelId, Client sender, Client? owner, in EncodedMessage message)
    {
        var shared = new SharedMessage(message);
        if (owner is not null && owner.TryPass(shared.Share(), sender) == SendResult.Accepted)
        {
            shared.Dispose();
        }
        else
        {
            queue.Add(channelId, sender.Session.Key, shared);
            Deliver(channelId);
        }
    }

    /// <summary>Hands the channel's owner what waits, in order, as much as it takes: where it takes no more of one address, the others go on.</summary>
    public void Deliver(string channelId)
    {
        if (queue.BeginDelivery(channelId) is { } channel)
        {
            Deliver(channel, default);
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

    /// <param name="step">The last one, which is done.</param>
    private void Deliver(Channel channel, DeliveryStep step)
    {
        while (queue.TryNext(channel, ref step))
        {
            if (step.Owner is null)
            {
                _ = DeliverElsewhereAsync(channel, step);
                return;
            }

            if (step.Waiting is null)
            {
                step.Owner.Send(MessageWriter.Write(new ChannelOwnerRegistered(channel.Id), ServerJson.Default.ChannelOwnerRegistered));
            }
            else if (step.Owner.Session.TryPass(step.Message, step.Waiting.Sender) != SendResult.Accepted)
            {
                queue.Skip(channel, ref step);
            }
        }
    }

    // The answer ends the step, and the delivery goes on with whoever is the owner then.
    private async Task DeliverElsewhereAsync(Channel channel, DeliveryStep step)
    {
        switch (await remote.SendAsync(step))
        {
            case UpstreamOutcome.Taken:
                Deliver(channel, step);
                break;
            case UpstreamOutcome.Busy:
                queue.Skip(channel, ref step);
                Deliver(channel, step);
                break;
            case UpstreamOutcome.Silent:
                queue.Break(channel, step, mayHaveArrived: true);
                break;
            default:
                queue.Break(channel, step, mayHaveArrived: false);
                break;
        }
    }
}
