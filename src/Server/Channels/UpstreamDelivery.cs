using Relay.Clients;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>
/// Brings upstream messages to owners, and keeps those of an owner that is away or busy: neither a backlog nor a crowd of
/// subscribers can fill an owner's outgoing queue. One timer goes on where an owner was busy, and expires what waited too long.
/// </summary>
internal sealed class UpstreamDelivery : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    private readonly UpstreamQueue _queue;
    private readonly ITimer _timer;

    public UpstreamDelivery(UpstreamQueue queue, TimeProvider time)
    {
        _queue = queue;
        _timer = time.CreateTimer(_ => Sweep(), null, Tick, Tick);
    }

    /// <summary>Sends a message to the owner that <see cref="UpstreamQueue.TryRoute"/> gave, or lets it wait.</summary>
    public void Send(string channelId, Client? owner, in EncodedMessage message)
    {
        var shared = new SharedMessage(message);
        if (owner is not null && owner.Session.TrySend(shared.Share()))
        {
            shared.Dispose();
        }
        else
        {
            _queue.Add(channelId, shared);
            Deliver(channelId);
        }
    }

    /// <summary>Hands the channel's owner what waits, in order, as much as it takes.</summary>
    public void Deliver(string channelId)
    {
        if (_queue.BeginDelivery(channelId) is not { } channel)
        {
            return;
        }

        var step = default(DeliveryStep);
        while (_queue.TryNext(channel, ref step))
        {
            if (step.Waiting is null)
            {
                step.Owner.Send(MessageWriter.Write(new ChannelOwnerRegistered(channelId), ServerJson.Default.ChannelOwnerRegistered));
            }
            else if (!step.Owner.Session.TrySend(step.Message))
            {
                _queue.Pause(channel);
                return;
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Sweep()
    {
        while (_queue.Expire())
        {
        }

        foreach (var channel in _queue.TakePaused())
        {
            Deliver(channel.Id);
        }
    }
}
