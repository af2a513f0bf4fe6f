using Google.Protobuf;
using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol.Moving;

namespace Relay.Channels;

/// <summary>Channels when their members move to another process.</summary>
internal sealed partial class ChannelTable
{
    /// <summary>Writes down the channels of those who move, and what waits for owners that are away.</summary>
    public IReadOnlyList<MovedChannel> Save(Departure departure)
    {
        lock (directory.Lock)
        {
            return [.. directory.All.Select(channel => Save(channel, departure)).Where(channel => channel.Owner != 0 || channel.Subscribers.Count > 0 || channel.Waiting.Count > 0)];
        }
    }

    /// <summary>A channel of another process, without what waits.</summary>
    public void Restore(MovedChannel state, Client? owner, Arrivals arrivals)
    {
        lock (directory.Lock)
        {
            var channel = directory.FindOrAdd(state.Id, arrivals.Time.MomentOf(state.Created));
            (channel.FramesSent, channel.FramesDropped) = (state.FramesSent, state.FramesDropped);
            if (owner is not null)
            {
                (channel.Owner, channel.Confirmations) = (owner, state.Confirmations);
                TryList(_owned, owner, int.MaxValue, out var owned);
                owned.Add(channel);
                _owners++;
                owner.Session.AddRegistration();
            }

            if (state.Stream is { } stream)
            {
                streams.Set(channel, new LiveStream(stream.Id, stream.HasTitle ? stream.Title : null, MovedAddresses.Read(stream.Owner)));
            }

            foreach (var subscriber in state.Subscribers)
            {
                if (arrivals.ClientOf(subscriber.Session) is { } client)
                {
                    channel.SetSubscriber(client, subscriber.IsReady);
                    TryList(_subscribed, client, int.MaxValue, out var subscribed);
                    subscribed.Add(channel);
                    _subscriptions++;
                    client.Session.AddRegistration();
                }
            }
        }
    }

    /// <summary>The owner of a channel has not come: its stream is over. Returns who is to be told; null: none is live.</summary>
    public LiveStream? EndStream(string channelId, out Client[] audience)
    {
        lock (directory.Lock)
        {
            audience = [];
            if (directory.Find(channelId) is not { Owner: null } channel)
            {
                return null;
            }

            var ended = channel.Stream;
            audience = channel.Audience;
            streams.Set(channel, null);
            directory.Discard(channel);
            return ended;
        }
    }

    private static MovedChannel Save(Channel channel, Departure departure)
    {
        var isOwned = channel.Owner is { } owner && departure.Takes(owner.Session.Id);
        var state = new MovedChannel
        {
            Id = channel.Id,
            Created = departure.Time.AgeOf(channel.CreatedAt),
            Owner = isOwned ? channel.Owner!.Session.Id : 0,
            Confirmations = isOwned ? channel.Confirmations : 0,
            FramesSent = channel.FramesSent,
            FramesDropped = channel.FramesDropped,
            Subscribers =
            {
                channel.Subscribers.Where(pair => departure.Takes(pair.Key.Session.Id))
                    .Select(pair => new MovedSubscriber { Session = pair.Key.Session.Id, IsReady = pair.Value }),
            },
        };
        if (channel.Stream is { } stream)
        {
            state.Stream = new MovedStream { Id = stream.Id, Owner = MovedAddresses.ToMessage(stream.Owner) };
            if (stream.Title is { } title)
            {
                state.Stream.Title = title;
            }
        }

        // What an owner who stays has still to get, he gets where he is.
        if (isOwned || channel.Owner is null)
        {
            state.Waiting.Add(channel.Waiting.Select(waiting => new MovedUpstream
            {
                Sender = MovedAddresses.ToMessage(waiting.Sender),
                Message = CopyOf(waiting),
                Waited = departure.Time.AgeOf(waiting.Since),
            }));
        }

        return state;
    }

    private static ByteString CopyOf(WaitingMessage waiting)
    {
        var share = waiting.Message.Share();
        var bytes = ByteString.CopyFrom(share.Bytes.Span);
        share.Return();
        return bytes;
    }
}
