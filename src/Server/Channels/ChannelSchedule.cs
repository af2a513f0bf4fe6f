namespace Relay.Channels;

/// <summary>Channels that other relays are to be asked for, or told of, at some time; each is on it once. Guarded by the directory's lock.</summary>
internal sealed class ChannelSchedule(TimeProvider time)
{
    private readonly PriorityQueue<Channel, long> _due = new();

    public void Add(Channel channel, TimeSpan after)
    {
        if (!channel.Elsewhere.IsScheduled)
        {
            channel.Elsewhere.IsScheduled = true;
            _due.Enqueue(channel, time.GetTimestamp() + (long)(after.TotalSeconds * time.TimestampFrequency));
        }
    }

    /// <summary>The next one whose time has come; null: there is none.</summary>
    public Channel? Take()
    {
        if (!_due.TryPeek(out var channel, out var due) || due > time.GetTimestamp())
        {
            return null;
        }

        _due.Dequeue();
        channel.Elsewhere.IsScheduled = false;
        return channel;
    }
}
