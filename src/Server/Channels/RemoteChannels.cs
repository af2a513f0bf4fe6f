using Relay.Clients;
using Relay.Cluster.V1;

namespace Relay.Channels;

/// <summary>
/// The channels of this relay's clients among those of its cluster. An owner claims its channel like a name. For each channel that has subscribers here, or messages
/// that wait, this relay hears what is said to subscribers, and asks the owner's relay what the channel is: at first, when its own subscribers change,
/// and whenever what it heard may not be all.
/// </summary>
internal sealed class RemoteChannels(
    ChannelDirectory directory,
    StreamTable streams,
    RemoteOwners owners,
    OwnerQuestions questions,
    ChannelSchedule schedule,
    ChannelAnnouncer announcer,
    ChannelBus bus,
    ClusterNames names)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    // When NATS is back all channels are asked for: paced, it is no flood.
    private const int AtOnce = 500;

    public bool IsOn => bus.IsOn;

    /// <summary>
    /// Whether no other relay's client owns the channel: then the client, which claims it here, is its owner, if it has not left meanwhile.
    /// </summary>
    public async Task<bool> TryOwnAsync(Client client, string channelId)
    {
        if (!await names.TryClaimAsync(NameKind.Channel, channelId, null, client))
        {
            return false;
        }

        bool? confirmed;
        while ((confirmed = owners.TryConfirm(client, channelId)) is null)
        {
            await Task.Yield();
        }

        if (confirmed == true)
        {
            announcer.Announce(channelId);
        }
        else
        {
            names.Release(NameKind.Channel, channelId, client);
        }

        return true;
    }

    /// <summary>The client, which owned the channel, has left.</summary>
    public void Release(Client client, string channelId)
    {
        names.Release(NameKind.Channel, channelId, client);
        announcer.Announce(channelId);
    }

    /// <summary>A client has subscribed: what is live elsewhere is known when this returns, and the owner's relay counts the subscriber.</summary>
    public Task JoinAsync(string channelId)
    {
        lock (directory.Lock)
        {
            if (directory.Find(channelId) is not { HearsOthers: true } channel)
            {
                return Task.CompletedTask;
            }

            if (channel.Elsewhere.Interest is null)
            {
                channel.Elsewhere.Interest = new ChannelInterest(channel);
                schedule.Add(channel, OwnerQuestions.Again);
            }

            return questions.Ask(channel.Elsewhere.Interest);
        }
    }

    /// <summary>Tells the owners' relays how many subscribe now, and hears no more of channels that nobody here needs.</summary>
    public void Update()
    {
        IReadOnlyList<Channel> changed;
        lock (directory.Lock)
        {
            changed = directory.TakeChanged();
        }

        foreach (var channel in changed)
        {
            Update(channel);
        }
    }

    public void Sweep()
    {
        Update();
        var announced = new List<string>();
        lock (directory.Lock)
        {
            for (var i = 0; i < AtOnce && schedule.Take() is { } channel; i++)
            {
                if (channel.Owner is not null)
                {
                    announced.Add(channel.Id);
                }
                else if (channel.Elsewhere.Interest is { } interest)
                {
                    _ = questions.Ask(interest);
                }
            }
        }

        announced.ForEach(announcer.Announce);
    }

    /// <summary>Asks for all channels, and tells of those that are owned here.</summary>
    public void AskForAll()
    {
        lock (directory.Lock)
        {
            foreach (var channel in directory.All)
            {
                schedule.Add(channel, TimeSpan.Zero);
            }
        }
    }

    /// <summary>A relay is heard for the first time, or was thought to be gone: what was forgotten of it, here and there, is asked for again.</summary>
    public void Greet(ulong epoch)
    {
        AskForAll();
        bool ownsSome;
        lock (directory.Lock)
        {
            ownsSome = directory.All.Any(channel => channel.Owner is not null);
        }

        if (ownsSome)
        {
            bus.TellNode(epoch, new Envelope { ChannelsWanted = new ChannelsWanted() });
        }
    }

    private void Update(Channel channel)
    {
        ChannelInterest? dropped;
        bool wasOwned;
        ulong revision;
        lock (directory.Lock)
        {
            if (channel.Elsewhere.Interest is not { } interest)
            {
                return;
            }

            if (channel.HearsOthers)
            {
                _ = questions.Ask(interest);
                return;
            }

            (dropped, channel.Elsewhere.Interest) = (interest, null);
            wasOwned = channel.Elsewhere.Owner is not null;
            channel.Elsewhere.Owner = null;
            revision = directory.NextRevision();
            if (channel.Owner is null)
            {
                streams.Set(channel, null);
            }
        }

        if (wasOwned)
        {
            bus.TellOwner(channel.Id, new Envelope { ChannelMembers = new ChannelMembers { Revision = revision } });
        }

        if (dropped.Subscription is { } subscription)
        {
            bus.EndHearing(subscription);
        }
    }
}
