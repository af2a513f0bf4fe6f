namespace Relay.EndToEnd.Support;

/// <summary>What owners and subscribers of channels say, and what they hear of it.</summary>
internal static class ChannelClient
{
    public static string Upstream(string channelId, string message) =>
        $$"""{"type":"upstream-message","channelId":"{{channelId}}","message":{{message}},"ephemeralPublicKey":"key"}""";

    public static string Frame(string channelId, string frame) =>
        $$"""{"type":"stream-frame","streamId":"live","channelId":"{{channelId}}","frame":{{frame}}}""";

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

    public static async Task StartAsync(this TestClient client, string channelId, int subscribers)
    {
        await client.SendAsync($$"""{"type":"stream-start","streamId":"live","channelId":"{{channelId}}","title":"Live"}""");
        Assert.Equal(
            $$"""{"type":"stream-started","streamId":"live","channelId":"{{channelId}}","subscriberCount":{{subscribers}}}""",
            await client.ReceiveTextAsync());
    }
}
