using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol;
using Relay.Protocol.Moving;

namespace Relay.Channels;

/// <summary>Channels: owners, subscribers, what is live and what waits.</summary>
internal sealed class ChannelsMove(ChannelTable table, UpstreamQueue upstream, UpstreamDelivery delivery) : IMovable
{
    private readonly List<MovedChannel> _read = [];

    public void Write(Departure departure)
    {
        foreach (var channel in table.Save(departure))
        {
            departure.Write(new MovedPart { Channel = channel });
        }
    }

    public bool TryRead(MovedPart part, Arrivals arrivals)
    {
        if (part.Channel is not { } channel)
        {
            return false;
        }

        table.Restore(channel, arrivals.ClientOf(channel.Owner), arrivals);
        _read.Add(channel);
        return true;
    }

    public void Complete(Arrivals arrivals)
    {
        // All that waits is in the order of its age, whichever channel it is of.
        foreach (var (channel, waiting) in _read.SelectMany(channel => channel.Waiting, (channel, waiting) => (channel, waiting)).OrderByDescending(pair => pair.waiting.Waited))
        {
            upstream.Add(
                channel.Id,
                MovedAddresses.Read(waiting.Sender),
                new SharedMessage(EncodedMessage.CopyOf(waiting.Message.Span)),
                arrivals.Time.TimestampOf(waiting.Waited));
        }

        foreach (var channel in _read)
        {
            if (arrivals.ClientOf(channel.Owner) is not null)
            {
                delivery.Deliver(channel.Id);
            }
            else if (table.EndStream(channel.Id, out var audience) is { } ended)
            {
                FanOut.Pass(audience, MessageWriter.Write(new StreamEnding(ended.Id, channel.Id), ServerJson.Default.StreamEnding), ended.Owner);
            }
        }

        _read.Clear();
    }
}
