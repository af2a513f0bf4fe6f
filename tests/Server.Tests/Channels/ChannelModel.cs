using Relay.Channels;

namespace Server.Tests.Channels;

/// <summary>What the tables of channels should do, written the obvious way: clients and channels are numbers.</summary>
internal sealed class ChannelModel(int owned, int subscriptions, int waiting)
{
    private sealed class Entry
    {
        public int? Owner;
        public int Confirmations;
        public Dictionary<int, bool> Subscribers { get; } = [];
        public LiveStream? Live;
        public List<(int Number, double Since)> Waiting { get; } = [];
        public int Sent;
    }

    private readonly SortedDictionary<int, Entry> _channels = [];
    private double _now;
    private int _dropped;
    private int _sent;

    public bool IsOwner(int channel, int client) => Find(channel)?.Owner == client;

    public bool IsSubscriber(int channel, int client) => Find(channel)?.Subscribers.ContainsKey(client) == true;

    public LiveStream? Live(int channel) => Find(channel)?.Live;

    public int[] Audience(int channel) =>
        [.. Find(channel)?.Subscribers.Where(pair => pair.Value).Select(pair => pair.Key).Order() ?? Enumerable.Empty<int>()];

    public ChannelEntry Own(int client, int channel)
    {
        if (Find(channel)?.Owner is { } owner && owner != client)
        {
            return ChannelEntry.OwnedByAnother;
        }

        var entry = IsOwner(channel, client) ? ChannelEntry.Again : ChannelEntry.New;
        if (entry == ChannelEntry.New && _channels.Values.Count(one => one.Owner == client) == owned)
        {
            return ChannelEntry.TooMany;
        }

        FindOrAdd(channel).Owner = client;
        FindOrAdd(channel).Confirmations++;
        return entry;
    }

    public ChannelEntry Subscribe(int client, int channel)
    {
        var entry = IsSubscriber(channel, client) ? ChannelEntry.Again : ChannelEntry.New;
        if (entry == ChannelEntry.New && _channels.Values.Count(one => one.Subscribers.ContainsKey(client)) == subscriptions)
        {
            return ChannelEntry.TooMany;
        }

        FindOrAdd(channel).Subscribers[client] = false;
        return entry;
    }

    public void Join(int client, int channel) => FindOrAdd(channel).Subscribers[client] = true;

    public void SetLive(int channel, LiveStream? stream) => FindOrAdd(channel).Live = stream;

    public void CountFrame(int channel)
    {
        FindOrAdd(channel).Sent++;
        _sent++;
    }

    /// <summary>True when the owner may have it at once, and nothing waits.</summary>
    public bool IsFree(int channel) => FindOrAdd(channel) is { Owner: not null, Confirmations: 0, Waiting.Count: 0 };

    public void Wait(int channel, int number)
    {
        if (FindOrAdd(channel).Waiting.Count == waiting)
        {
            _dropped++;
        }
        else
        {
            FindOrAdd(channel).Waiting.Add((number, _now));
        }
    }

    /// <summary>What the owner gets of the channel: numbers, then 0 for each confirmation.</summary>
    public List<int> Deliver(int channel, int atMost)
    {
        var entry = Find(channel);
        if (entry?.Owner is null)
        {
            return [];
        }

        List<int> delivered = [.. entry.Waiting.Select(one => one.Number).Concat(Enumerable.Repeat(0, entry.Confirmations)).Take(atMost)];
        entry.Waiting.RemoveRange(0, delivered.Count(number => number > 0));
        entry.Confirmations -= delivered.Count(number => number == 0);
        return delivered;
    }

    public int Leave(int client)
    {
        var left = 0;
        foreach (var entry in _channels.Values)
        {
            if (entry.Owner == client)
            {
                (entry.Owner, entry.Live, entry.Confirmations) = (null, null, 0);
                left++;
            }

            left += entry.Subscribers.Remove(client) ? 1 : 0;
        }

        return left;
    }

    public void Pass(double seconds, double lifetime)
    {
        _now += seconds;
        foreach (var entry in _channels.Values)
        {
            _dropped += entry.Waiting.RemoveAll(one => _now - one.Since >= lifetime);
        }
    }

    public void Check(ChannelTable table, Func<int, string> id)
    {
        foreach (var channel in _channels.Where(pair => pair.Value is { Owner: null, Subscribers.Count: 0, Waiting.Count: 0 }).ToList())
        {
            _channels.Remove(channel.Key);
        }

        var all = _channels.Values;
        var counts = table.Counts();
        Assert.Equal(
            new ChannelCounts(
                all.Count, all.Count(one => one.Owner is not null), all.Count(one => one.Live is not null), all.Sum(one => one.Subscribers.Count),
                all.Sum(one => one.Waiting.Count), counts.WaitingBytes, _sent, 0, _dropped),
            counts);
        Assert.True(
            _channels.Select(pair => (id(pair.Key), pair.Value.Owner is not null, pair.Value.Live is not null, pair.Value.Subscribers.Count, pair.Value.Waiting.Count, (long)pair.Value.Sent))
            .SequenceEqual(table.Snapshot().OrderBy(one => one.ChannelId, StringComparer.Ordinal)
                .Select(one => (one.ChannelId, one.HasOwner, one.IsLive, one.Subscribers, one.Waiting, one.FramesSent))),
            "the snapshot is the model's");
    }

    private Entry? Find(int channel) => _channels.GetValueOrDefault(channel);

    private Entry FindOrAdd(int channel)
    {
        if (!_channels.TryGetValue(channel, out var entry))
        {
            _channels.Add(channel, entry = new Entry());
        }

        return entry;
    }
}
