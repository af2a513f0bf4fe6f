using Relay.Addresses;
using Relay.Clients;

namespace Relay.Channels;

/// <summary>A stream that has been started and not ended. Each start is another one, even with the same id.</summary>
/// <param name="owner">What the address of its channel's owner counts by.</param>
/// <param name="origin">Of one at another relay, that relay's epoch and the revision of what it said: two that agree in these are one. Default: it is this relay's.</param>
internal sealed class LiveStream(string id, string? title, IpKey owner = default, (ulong Epoch, ulong Revision) origin = default)
{
    public string Id => id;

    public string? Title => title;

    public IpKey Owner => owner;

    public (ulong Epoch, ulong Revision) Origin => origin;
}

/// <summary>
/// What is live on which channel, and who gets it. Messages are sent without the lock: to an audience by the owner alone, one
/// after another, and to a subscriber that is joining by itself alone, so that each hears of every stream in order.
/// </summary>
internal sealed class StreamTable(ChannelDirectory directory)
{
    // Guarded by the directory's lock.
    public int Live { get; private set; }

    public long FramesSent { get; private set; }

    public long FramesDropped { get; private set; }

    /// <summary>
    /// A subscriber that was notified of this stream, or of none, gets all that comes from now on. False when meanwhile
    /// another is live, or none: it must be notified of that first. One that has left meanwhile needs nothing.
    /// </summary>
    public bool TryJoin(Client client, string channelId, LiveStream? notified, out LiveStream? live)
    {
        lock (directory.Lock)
        {
            live = null;
            if (directory.Find(channelId) is not { } channel || !channel.HasSubscriber(client))
            {
                return true;
            }

            live = channel.Stream;
            if (live != notified)
            {
                return false;
            }

            channel.SetSubscriber(client, ready: true);
            return true;
        }
    }

    /// <summary>
    /// Starts a stream, in place of one that is live; false when the client is not the channel's owner. <paramref name="subscribers"/>: those of all relays.
    /// </summary>
    public bool TryStart(Client owner, string channelId, LiveStream stream, out Client[] audience, out int subscribers)
    {
        lock (directory.Lock)
        {
            if (directory.Find(channelId) is not { } channel || channel.Owner != owner)
            {
                (audience, subscribers) = ([], 0);
                return false;
            }

            Set(channel, stream);
            channel.Elsewhere.Revision = directory.NextRevision();
            (audience, subscribers) = (channel.Audience, channel.SubscriberCount + channel.Elsewhere.Subscribers);
            return true;
        }
    }

    /// <summary>Who gets the next frame of the client's live stream; null when it has none on this channel.</summary>
    public Channel? FindLive(Client owner, string channelId, out Client[] audience)
    {
        lock (directory.Lock)
        {
            var live = directory.Find(channelId) is { Stream: not null } channel && channel.Owner == owner ? channel : null;
            audience = live?.Audience ?? [];
            return live;
        }
    }

    public void CountFrames(Channel channel, int sent, int dropped)
    {
        lock (directory.Lock)
        {
            channel.FramesSent += sent;
            channel.FramesDropped += dropped;
            FramesSent += sent;
            FramesDropped += dropped;
        }
    }

    /// <summary>Ends the client's live stream and returns the clients to notify; null when it has none on this channel.</summary>
    public LiveStream? End(Client owner, string channelId, out Client[] audience)
    {
        lock (directory.Lock)
        {
            audience = [];
            if (directory.Find(channelId) is not { Stream: { } stream } channel || channel.Owner != owner)
            {
                return null;
            }

            Set(channel, null);
            channel.Elsewhere.Revision = directory.NextRevision();
            audience = channel.Audience;
            return stream;
        }
    }

    /// <summary>The caller holds the directory's lock.</summary>
    public void Set(Channel channel, LiveStream? stream)
    {
        Live += (stream is null ? 0 : 1) - (channel.Stream is null ? 0 : 1);
        channel.Stream = stream;
    }
}
