namespace Relay.Channels;

/// <summary>
/// Channels by id, and the one lock over all that is known of them: of members in <see cref="ChannelTable"/>, of what is live
/// in <see cref="StreamTable"/>, of what waits in <see cref="UpstreamQueue"/>, of owners at other relays in <see cref="RemoteOwners"/>. All
/// but <see cref="Lock"/> is used under it.
/// </summary>
internal sealed class ChannelDirectory(TimeProvider time)
{
    private readonly Dictionary<string, Channel> _channels = new(StringComparer.Ordinal);
    private readonly HashSet<Channel> _changed = [];
    private ulong _revision;

    public Lock Lock { get; } = new();

    public int Count => _channels.Count;

    public IEnumerable<Channel> All => _channels.Values;

    public Channel? Find(string channelId) => _channels.GetValueOrDefault(channelId);

    public Channel FindOrAdd(string channelId) => FindOrAdd(channelId, time.GetUtcNow());

    public Channel FindOrAdd(string channelId, DateTimeOffset createdAt)
    {
        if (!_channels.TryGetValue(channelId, out var channel))
        {
            _channels.Add(channelId, channel = new Channel(channelId, createdAt));
        }

        return channel;
    }

    /// <summary>Forgets a channel that has lost the last of what it was kept for.</summary>
    public void Discard(Channel channel)
    {
        if (!channel.HearsOthers)
        {
            MarkChanged(channel);
        }

        if (channel.IsEmpty && Find(channel.Id) == channel)
        {
            _channels.Remove(channel.Id);
        }
    }

    /// <summary>Other relays may have to hear of a channel's subscribers, or to be asked for its owner.</summary>
    public void MarkChanged(Channel channel)
    {
        if (channel.Elsewhere.Interest is not null)
        {
            _changed.Add(channel);
        }
    }

    /// <summary>The channels that were marked since the last time.</summary>
    public IReadOnlyList<Channel> TakeChanged()
    {
        if (_changed.Count == 0)
        {
            return [];
        }

        Channel[] changed = [.. _changed];
        _changed.Clear();
        return changed;
    }

    /// <summary>A number for a change of a channel, higher than all before.</summary>
    public ulong NextRevision() => ++_revision;
}
