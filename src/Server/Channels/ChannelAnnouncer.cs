using Google.Protobuf;
using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>What this relay tells the others of the channels that its clients own: once for each channel, to those with subscribers.</summary>
internal sealed class ChannelAnnouncer(ChannelDirectory directory, ChannelBus bus)
{
    // Atomic.
    private long _framesLost;

    /// <summary>Frames that other relays' subscribers did not get because NATS was away, or too much waited for it.</summary>
    public long FramesLost => Interlocked.Read(ref _framesLost);

    /// <summary>What the channel is now. States may overtake each other on their way: their revisions tell which is the later.</summary>
    public void Announce(string channelId)
    {
        if (bus.IsOn)
        {
            ChannelState state;
            lock (directory.Lock)
            {
                state = StateOf(directory.Find(channelId));
            }

            bus.Publish(channelId, new Envelope { ChannelState = state });
        }
    }

    /// <summary>A frame of the channel's live stream. The message remains the caller's.</summary>
    public void Pass(Channel channel, in EncodedMessage frame)
    {
        if (channel.Elsewhere.HasSubscribers && !bus.Publish(channel.Id, new Envelope
        {
            ChannelFrame = new ChannelFrame { Revision = channel.Elsewhere.Revision, Message = ByteString.CopyFrom(frame.Bytes.Span) },
        }))
        {
            Interlocked.Increment(ref _framesLost);
        }
    }

    /// <summary>Another relay has so many subscribers of a channel that is owned here. Returns what the channel is; null: too many relays have said so.</summary>
    public ChannelState? Add(string channelId, ulong epoch, int subscribers, ulong revision)
    {
        lock (directory.Lock)
        {
            var channel = directory.Find(channelId);
            var known = channel?.Elsewhere.MembersOf(epoch) ?? default;
            return channel?.Owner is null || revision < known.Revision
                || channel.Elsewhere.TrySetMembers(epoch, known with { Subscribers = subscribers, Revision = revision }, ClusterNodes.MaxNodes)
                ? StateOf(channel)
                : null;
        }
    }

    private ChannelState StateOf(Channel? channel) => channel?.Owner is { } owner
        ? new ChannelState
        {
            Owned = true,
            Revision = channel.Elsewhere.Revision,
            StreamId = channel.Stream?.Id ?? "",
            Title = channel.Stream?.Title ?? "",
            Address = ClientAddresses.ToMessage(owner.Session.Key),
        }
        : new ChannelState { Revision = directory.NextRevision() };
}
