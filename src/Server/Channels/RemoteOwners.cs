using Relay.Clients;
using Relay.Cluster.V1;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>What becomes of a message of another relay to the subscribers of a channel.</summary>
internal enum Heard
{
    Done,

    /// <summary>It is not of the relay whose client owns the channel as far as this one knows, or something before it is missing: that relay is to be asked.</summary>
    Unsure,

    /// <summary>No relay sends such a message.</summary>
    Invalid,
}

/// <summary>
/// Owners of channels at other relays, and what these send to the subscribers here. An owner's states and frames come in order, and one thread at a time passes
/// them on: what another finds meanwhile, as that the owner's relay is gone, is passed on by that one.
/// </summary>
internal sealed class RemoteOwners(ChannelDirectory directory, StreamTable streams, UpstreamDelivery delivery)
{
    private static readonly FieldNames FrameFields = new("type", "streamId", "channelId", "frame");

    /// <summary>
    /// The claim of a client to own a channel has succeeded at all relays. Null: subscribers have first to be told that an earlier owner's stream has ended, which
    /// another thread does. False: the client has left.
    /// </summary>
    public bool? TryConfirm(Client client, string channelId)
    {
        Channel? channel;
        lock (directory.Lock)
        {
            channel = directory.Find(channelId);
            if (channel?.Claimant != client)
            {
                return false;
            }

            channel.Elsewhere.Owner = null;
        }

        Tell(channel);
        lock (directory.Lock)
        {
            if (channel.Claimant != client)
            {
                return false;
            }

            if (channel.Elsewhere is { IsTelling: true } or { Owner: not null } || channel.Stream is not null)
            {
                return null;
            }

            (channel.Owner, channel.Claimant, channel.Confirmations) = (client, null, 1);
            channel.Elsewhere.Revision = directory.NextRevision();
            return true;
        }
    }

    /// <summary>What an owner's relay says of the channel. A state is believed only as an answer of whoever listens at the owner's subject, or of the same relay.</summary>
    /// <param name="state">Null: it was asked for, and no relay's client owns the channel.</param>
    public Heard Hear(ChannelInterest interest, ulong epoch, ChannelState? state, bool isAnswer)
    {
        if (!TryRead(epoch, state, out var stream))
        {
            return Heard.Invalid;
        }

        var channel = interest.Channel;
        lock (directory.Lock)
        {
            var known = channel.Elsewhere.Owner;
            if (!interest.IsCurrent || channel.Owner is not null)
            {
                return Heard.Done;
            }

            if (!isAnswer && known?.Epoch != epoch)
            {
                return Heard.Unsure;
            }

            if (state is not null && known?.Epoch == epoch && state.Revision <= known.Revision)
            {
                return Heard.Done;
            }

            // Another relay may have been taken for the owner's meanwhile, before the subscribers were told of that.
            stream = stream is not null && channel.Stream?.Origin == stream.Origin ? channel.Stream : stream;
            channel.Elsewhere.Owner = state?.Owned == true ? new RemoteOwner(epoch, state.Revision, stream) : null;
        }

        Tell(channel);
        delivery.Deliver(channel.Id);
        return Heard.Done;
    }

    /// <summary>A frame of a stream. It is dropped unless its stream is the one that the subscribers were told of.</summary>
    public Heard HearFrame(ChannelInterest interest, ulong epoch, ChannelFrame frame)
    {
        var channel = interest.Channel;
        Client[] audience;
        lock (directory.Lock)
        {
            if (!interest.IsCurrent || channel.Owner is not null)
            {
                return Heard.Done;
            }

            var owner = channel.Elsewhere.Owner;
            if (owner?.Epoch != epoch || frame.Revision > owner.Revision)
            {
                return Heard.Unsure;
            }

            if (frame.Revision < owner.Revision || owner.Stream is null || channel.Stream != owner.Stream || channel.Elsewhere.IsTelling)
            {
                return Heard.Done;
            }

            channel.Elsewhere.IsTelling = true;
            audience = channel.Audience;
        }

        try
        {
            return TryPass(channel, audience, frame) ? Heard.Done : Heard.Invalid;
        }
        finally
        {
            lock (directory.Lock)
            {
                channel.Elsewhere.IsTelling = false;
            }

            Tell(channel);
        }
    }

    /// <summary>The relay of this epoch is gone, with its owners and its subscribers.</summary>
    public void ForgetNode(ulong epoch)
    {
        List<Channel> lost;
        lock (directory.Lock)
        {
            lost = [.. directory.All.Where(channel => channel.Elsewhere.Owner?.Epoch == epoch)];
            lost.ForEach(channel => channel.Elsewhere.Owner = null);
            foreach (var channel in directory.All)
            {
                channel.Elsewhere.ForgetSubscribers(epoch);
            }
        }

        lost.ForEach(Tell);
    }

    /// <summary>Tells the subscribers what has changed since they were told last, until nothing has.</summary>
    private void Tell(Channel channel)
    {
        while (true)
        {
            Client[] audience;
            LiveStream? ended, started;
            lock (directory.Lock)
            {
                (ended, started) = (channel.Stream, channel.Elsewhere.Owner?.Stream);
                if (channel.Elsewhere.IsTelling || channel.Owner is not null || ended == started)
                {
                    return;
                }

                channel.Elsewhere.IsTelling = true;
                streams.Set(channel, started);
                audience = channel.Audience;
            }

            FanOut.Pass(
                audience,
                started is not null
                    ? MessageWriter.Write(new StreamStarting(started.Id, channel.Id, started.Title), ServerJson.Default.StreamStarting)
                    : MessageWriter.Write(new StreamEnding(ended!.Id, channel.Id), ServerJson.Default.StreamEnding),
                (started ?? ended!).Owner);
            lock (directory.Lock)
            {
                channel.Elsewhere.IsTelling = false;
            }
        }
    }

    private bool TryPass(Channel channel, Client[] audience, ChannelFrame frame)
    {
        if (!ClientMessage.TryParse(frame.Message.Memory, FrameFields, out var message))
        {
            return false;
        }

        using (message)
        {
            if (message.Text("type") != "stream-frame" || message.Text("channelId") != channel.Id || !message.Value("streamId").IsText
                || !message.HasContent("streamId") || !message.HasContent("frame"))
            {
                return false;
            }

            if (audience.Length > 0)
            {
                var (sent, dropped) = FanOut.Stream(
                    audience, MessageWriter.StreamFrame(message.Raw("streamId"), message.Raw("channelId"), message.Raw("frame"), receivedAt: 0));
                streams.CountFrames(channel, sent, dropped);
            }

            return true;
        }
    }

    // Null: nothing is live.
    private static bool TryRead(ulong epoch, ChannelState? state, out LiveStream? stream)
    {
        stream = null;
        if (state is null or { Owned: false })
        {
            return true;
        }

        if (!ClientAddresses.TryRead(state.Address, out var address) || (state.StreamId.Length > 0 && !ChannelHandler.IsId(state.StreamId)))
        {
            return false;
        }

        var title = ClientMessage.Truncate(state.Title);
        stream = state.StreamId.Length > 0 ? new LiveStream(state.StreamId, title.Length > 0 ? title : null, address, (epoch, state.Revision)) : null;
        return true;
    }
}
