namespace Relay.Channels;

/// <summary>
/// Channels by id, and the one lock over all that is known of them: of members in <see cref="ChannelTable"/>, of what is live
/// in <see cref="StreamTable"/>, of what waits in <see cref="UpstreamQueue"/>. All but <see cref="Lock"/> is used under it.
/// </summary>
internal sealed class ChannelDirectory(TimeProvider time)
{
    private readonly Dictionary<string, Channel> _channels = new(StringComparer.Ordinal);

    public Lock Lock { get; } = new();

    public int Count => _channels.Count;

    public IEnumerable<Channel> All => _channels.Values;

    public Channel? Find(string channelId) => _channels.GetValueOrDefault(channelId);

    public Channel FindOrAdd(string channelId)
    {
        if (!_channels.TryGetValue(channelId, out var channel))
        {
            _channels.Add(channelId, channel = new Channel(channelId, time.GetUtcNow()));
        }

        return channel;
    }

    /// <summary>Forgets a channel that has lost the last of what it was kept for.</summary>
    public void Discard(Channel channel)
    {
        if (channel.IsEmpty)
        {
            _channels.Remove(channel.Id);
        }
    }
}
