using Relay.Clients;

namespace Relay.Channels;

/// <summary>What became of a client's wish to own a channel or to subscribe to it.</summary>
internal enum ChannelEntry
{
    New,

    /// <summary>It does so already.</summary>
    Again,

    /// <summary>Another socket owns the channel.</summary>
    OwnedByAnother,

    /// <summary>It owns, or subscribes to, as many channels as it may.</summary>
    TooMany,
}

/// <summary>
/// Channels with an owner, subscribers or messages that wait; one without any of them is gone. The operations of one client
/// follow one another, its leaving last; those of different clients come in any order.
/// </summary>
internal sealed partial class ChannelTable(ChannelDirectory directory, StreamTable streams, UpstreamQueue upstream, ChannelOptions options)
{
    // Guarded by the directory's lock: each client's channels, so that its leaving costs what it has.
    private readonly Dictionary<Client, List<Channel>> _owned = [];
    private readonly Dictionary<Client, List<Channel>> _subscribed = [];
    private int _owners;
    private int _subscriptions;

    /// <summary>The client that owns the channel; null: none does.</summary>
    public Client? OwnerOf(string channelId)
    {
        lock (directory.Lock)
        {
            return directory.Find(channelId)?.Owner;
        }
    }

    /// <summary>True for the owner and for subscribers.</summary>
    public bool IsMember(string channelId, Client client)
    {
        lock (directory.Lock)
        {
            return directory.Find(channelId) is { } channel && (channel.Owner == client || channel.HasSubscriber(client));
        }
    }

    /// <summary>Subscribers whose subscription was confirmed; the list never changes.</summary>
    public IReadOnlyList<Client> Subscribers(string channelId)
    {
        lock (directory.Lock)
        {
            return directory.Find(channelId)?.Audience ?? [];
        }
    }

    /// <summary>The channels that a client owns.</summary>
    public IReadOnlyList<string> OwnedBy(Client client)
    {
        lock (directory.Lock)
        {
            return _owned.TryGetValue(client, out var owned) ? [.. owned.Select(channel => channel.Id)] : [];
        }
    }

    /// <summary>Makes the client the owner unless another is. The delivery of what waits then confirms it: <see cref="UpstreamQueue.TryNext"/>.</summary>
    /// <param name="isClaim">Other relays have to be asked first: it is the owner after <see cref="RemoteOwners.TryConfirm"/>, or not after <see cref="Withdraw"/>.</param>
    public ChannelEntry Own(Client client, string channelId, bool isClaim = false)
    {
        lock (directory.Lock)
        {
            var channel = directory.Find(channelId);
            if ((channel?.Owner ?? channel?.Claimant) is { } owner)
            {
                channel!.Confirmations += owner == client ? 1 : 0;
                return owner == client ? ChannelEntry.Again : ChannelEntry.OwnedByAnother;
            }

            if (!TryList(_owned, client, options.OwnedPerSocket, out var owned))
            {
                return ChannelEntry.TooMany;
            }

            channel ??= directory.FindOrAdd(channelId);
            if (isClaim)
            {
                channel.Claimant = client;
            }
            else
            {
                channel.Owner = client;
                channel.Confirmations = 1;
            }

            owned.Add(channel);
            _owners++;
            return ChannelEntry.New;
        }
    }

    /// <summary>Another relay's client owns the channel that the client claims. False: the client has left meanwhile.</summary>
    public bool Withdraw(Client client, string channelId)
    {
        lock (directory.Lock)
        {
            if (directory.Find(channelId) is not { } channel || channel.Claimant != client)
            {
                return false;
            }

            channel.Claimant = null;
            _owned[client].Remove(channel);
            _owners--;
            directory.Discard(channel);
            return true;
        }
    }

    /// <summary>Makes the client a subscriber, or one anew. It gets nothing until it has joined: <see cref="StreamTable.TryJoin"/>.</summary>
    public ChannelEntry Subscribe(Client client, string channelId)
    {
        lock (directory.Lock)
        {
            var channel = directory.Find(channelId);
            if (channel?.HasSubscriber(client) == true)
            {
                channel.SetSubscriber(client, ready: false);
                return ChannelEntry.Again;
            }

            if (!TryList(_subscribed, client, options.SubscriptionsPerSocket, out var subscribed))
            {
                return ChannelEntry.TooMany;
            }

            channel ??= directory.FindOrAdd(channelId);
            channel.SetSubscriber(client, ready: false);
            subscribed.Add(channel);
            _subscriptions++;
            return ChannelEntry.New;
        }
    }

    /// <summary>
    /// Forgets a client whose streams have ended, and says how often it was owner or subscriber. Until now its channels were
    /// its own, so that no successor's stream could start before the end of its own was sent.
    /// </summary>
    public int Remove(Client client)
    {
        lock (directory.Lock)
        {
            _owned.Remove(client, out var owned);
            foreach (var channel in owned ?? [])
            {
                channel.Owner = channel.Claimant = null;
                channel.Confirmations = 0;
                channel.Elsewhere.ForgetAllMembers();
                directory.MarkChanged(channel);
                directory.Discard(channel);
            }

            _subscribed.Remove(client, out var subscribed);
            foreach (var channel in subscribed ?? [])
            {
                channel.RemoveSubscriber(client);
                directory.MarkChanged(channel);
                directory.Discard(channel);
            }

            var (owners, subscriptions) = (owned?.Count ?? 0, subscribed?.Count ?? 0);
            _owners -= owners;
            _subscriptions -= subscriptions;
            return owners + subscriptions;
        }
    }

    public ChannelCounts Counts()
    {
        lock (directory.Lock)
        {
            return new ChannelCounts(
                directory.Count, _owners, streams.Live, _subscriptions, upstream.Count, upstream.Bytes,
                streams.FramesSent, streams.FramesDropped, upstream.Dropped);
        }
    }

    public IReadOnlyList<ChannelSnapshot> Snapshot()
    {
        lock (directory.Lock)
        {
            return
            [
                .. directory.All.Select(channel => new ChannelSnapshot(
                    channel.Id, channel.Owner is not null || channel.Elsewhere.Owner is not null, channel.Stream is not null, channel.SubscriberCount,
                    channel.Waiting.Count, channel.FramesSent, channel.FramesDropped, channel.CreatedAt)),
            ];
        }
    }

    // The client's list of channels if one more fits in it.
    private static bool TryList(Dictionary<Client, List<Channel>> lists, Client client, int max, out List<Channel> list)
    {
        if (!lists.TryGetValue(client, out list!))
        {
            lists.Add(client, list = []);
        }

        return list.Count < max;
    }
}
