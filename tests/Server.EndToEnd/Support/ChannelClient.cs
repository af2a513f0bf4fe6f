using Relay.Channels;

namespace Relay.EndToEnd.Support;

/// <summary>What owners and subscribers of channels say, and what they hear of it.</summary>
internal static class ChannelClient
{
    public static string Upstream(string channelId, string message) =>
        $$"""{"type":"upstream-message","channelId":"{{channelId}}","message":{{message}},"ephemeralPublicKey":"key"}""";

    public static string Frame(string channelId, string frame) =>
        $$"""{"type":"stream-frame","streamId":"live","channelId":"{{channelId}}","frame":{{frame}}}""";

    /// <summary>What the relay counts; with <see cref="TestCluster.IsOn"/> all relays together, and a channel that several know once.</summary>
    public static ChannelCounts Channels(this RelayServer server)
    {
        var channels = server.All.SelectMany(relay => relay.Get<ChannelTable>().Snapshot()).ToList();
        return new ChannelCounts(
            channels.Select(channel => channel.ChannelId).Distinct().Count(),
            (int)server.Sum<ChannelTable>(table => table.Counts().Owned),
            channels.Where(channel => channel.IsLive).Select(channel => channel.ChannelId).Distinct().Count(),
            (int)server.Sum<ChannelTable>(table => table.Counts().Subscriptions),
            (int)server.Sum<ChannelTable>(table => table.Counts().Waiting),
            server.Sum<ChannelTable>(table => table.Counts().WaitingBytes),
            server.Sum<ChannelTable>(table => table.Counts().FramesSent),
            server.Sum<ChannelTable>(table => table.Counts().FramesDropped),
            server.Sum<ChannelTable>(table => table.Counts().UpstreamDropped));
    }

    /// <summary>Waits until the owner's relay knows so many subscribers: those of other relays, when there is a new owner, hear of it first.</summary>
    public static Task SubscribersAreAsync(this RelayServer server, string channelId, int count) => Eventually.TrueAsync(
        () => server.Sum<ChannelDirectory>(directory =>
        {
            lock (directory.Lock)
            {
                return directory.Find(channelId) is { Owner: not null } channel ? channel.SubscriberCount + channel.Elsewhere.Subscribers : 0;
            }
        }) == count,
        $"{count} subscribers");

    /// <summary>What the relay knows of a channel at the others.</summary>
    public static ChannelElsewhere Elsewhere(this RelayServer relay, string channelId)
    {
        var directory = relay.Get<ChannelDirectory>();
        lock (directory.Lock)
        {
            return directory.Find(channelId)!.Elsewhere;
        }
    }

    /// <summary>Becomes the owner; nothing waits.</summary>
    public static async Task OwnAsync(this TestClient client, string channelId)
    {
        await client.SendAsync($$"""{"type":"channel-owner-register","channelId":"{{channelId}}"}""");
        Assert.Equal($$"""{"type":"channel-owner-registered","channelId":"{{channelId}}"}""", await client.ReceiveTextAsync());
    }

    public static async Task SubscribeAsync(this TestClient client, string channelId)
    {
        await client.SendAsync($$"""{"type":"channel-subscribe","channelId":"{{channelId}}"}""");
        Assert.Equal($$"""{"type":"channel-subscribed","channelId":"{{channelId}}"}""", await client.ReceiveTextAsync());
    }

    /// <summary>Subscribes, and gets every frame from now on: the answer to a later message shows that the subscription is complete.</summary>
    public static async Task JoinAsync(this TestClient client, string channelId)
    {
        await client.SubscribeAsync(channelId);
        await client.ExpectNothingAsync();
    }

    public static async Task UpstreamAsync(this TestClient client, string channelId, string message)
    {
        await client.SendAsync(Upstream(channelId, message));
        await client.ExpectAsync("upstream-ack");
    }

    /// <summary>Expects upstream messages with these contents, in this order.</summary>
    public static async Task ExpectUpstreamAsync(this TestClient client, params IEnumerable<string> messages)
    {
        foreach (var message in messages)
        {
            Assert.Equal(message, (await client.ExpectAsync("upstream-message")).GetProperty("message").GetRawText());
        }
    }

    public static Task StartAsync(this TestClient client, string channelId, int subscribers) => client.StartAsync(channelId, "live", subscribers);

    public static async Task StartAsync(this TestClient client, string channelId, string streamId, int subscribers)
    {
        await client.SendAsync($$"""{"type":"stream-start","streamId":"{{streamId}}","channelId":"{{channelId}}","title":"Live"}""");
        Assert.Equal(
            $$"""{"type":"stream-started","streamId":"{{streamId}}","channelId":"{{channelId}}","subscriberCount":{{subscribers}}}""",
            await client.ReceiveTextAsync());
    }
}
