using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Relay.Channels;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Channels;

/// <summary>channel-owner-register, channel-subscribe and upstream-message (docs/protocol.md, Channels).</summary>
[Trait("Clients", "Spread")]
public sealed class ChannelTests
{
    private static readonly string TooLong = new('c', 257);

    /// <summary>Each sent by a socket that owns "own" and subscribes to "sub".</summary>
    public static TheoryData<string, string> Refused => new()
    {
        { """{"type":"channel-owner-register"}""", "Invalid message: channel-owner-register: channelId must be a string" },
        { """{"type":"channel-owner-register","channelId":""}""", "Invalid channel ID" },
        { $$"""{"type":"channel-owner-register","channelId":"{{TooLong}}"}""", "Invalid channel ID" },
        { """{"type":"channel-owner-register","channelId":"sub"}""", "Channel already has an active owner" },
        { """{"type":"channel-owner-register","channelId":"third"}""", "Too many channels" },
        { """{"type":"channel-subscribe","channelId":7}""", "Invalid message: channel-subscribe: channelId must be a string" },
        { """{"type":"channel-subscribe","channelId":""}""", "Invalid channel ID" },
        { $$"""{"type":"channel-subscribe","channelId":"{{TooLong}}"}""", "Invalid channel ID" },
        { """{"type":"channel-subscribe","channelId":"third"}""", "Too many subscriptions" },
        { """{"type":"upstream-message","message":1,"ephemeralPublicKey":"k"}""", "Invalid message: upstream-message: channelId must be a string" },
        { """{"type":"upstream-message","channelId":"sub","message":1}""", "Invalid message: upstream-message: ephemeralPublicKey must be a string" },
        { """{"type":"upstream-message","channelId":"","ephemeralPublicKey":"k"}""", "Invalid channel ID" },
        { $$"""{"type":"upstream-message","channelId":"{{TooLong}}","message":1,"ephemeralPublicKey":"k"}""", "Invalid channel ID" },
        { """{"type":"upstream-message","channelId":"other","ephemeralPublicKey":"k"}""", "Missing required field: message" },
        { """{"type":"upstream-message","channelId":"sub","message":null,"ephemeralPublicKey":"k"}""", "Missing required field: message" },
        { """{"type":"upstream-message","channelId":"sub","message":"","ephemeralPublicKey":"k"}""", "Missing required field: message" },
        { """{"type":"upstream-message","channelId":"other","message":1,"ephemeralPublicKey":"k"}""", "Not subscribed to this channel" },
        { """{"type":"upstream-message","channelId":"own","message":1,"ephemeralPublicKey":"k"}""", "Not subscribed to this channel" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Message_NotPossible_IsToldWhy(string message, string error)
    {
        Assert.SkipWhen(TestCluster.IsOn && error == "Channel already has an active owner", "of one relay: the client's own limit is told before what another relay knows");
        await using var server = await RelayServer.StartAsync(settings =>
            (settings.Channels.OwnedPerSocket, settings.Channels.SubscriptionsPerSocket) = (1, 1));
        await using var other = await TestClient.ConnectAsync(server);
        await other.OwnAsync("sub");
        await using var client = await TestClient.ConnectAsync(server);
        await client.OwnAsync("own");
        await client.SubscribeAsync("sub");

        await client.SendAsync(message);

        await client.ExpectErrorAsync(error);
        await client.ExpectNothingAsync();
        await other.ExpectNothingAsync();
    }

    [Fact]
    public async Task Upstream_OwnerIsThere_ArrivesByteForByte()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.ConnectAsync(server);
        await owner.OwnAsync("news");
        await using var reader = await TestClient.ConnectAsync(server);
        await reader.SubscribeAsync("news");

        await reader.SendAsync(
            """{"type":"upstream-message","channelId":"news","ephemeralPublicKey":"k\u002b/=","message": { "id" : [1.0, "\u00e9é"],"id": {"n":1e2} , "text":"<&>" } }""");

        Assert.Equal(
            """{"type":"upstream-message","channelId":"news","message":{ "id" : [1.0, "\u00e9é"],"id": {"n":1e2} , "text":"<&>" },"ephemeralPublicKey":"k+/="}""",
            await owner.ReceiveTextAsync());
        Assert.Equal("""{"type":"upstream-ack","channelId":"news","messageId":{"n":1e2}}""", await reader.ReceiveTextAsync());
    }

    [Theory]
    [InlineData("""{"id":"m1"}""", "\"m1\"")]
    [InlineData("""{"id":7}""", "7")]
    [InlineData("""{"id":[true]}""", "[true]")]
    [InlineData("""{"id":null}""", "null")]
    [InlineData("""{"text":"no id"}""", "null")]
    [InlineData("\"text\"", "null")]
    [InlineData("0", "null")]
    [InlineData("[{\"id\":1}]", "null")]
    public async Task Upstream_AnyMessage_IsAcknowledgedByItsId(string message, string id)
    {
        await using var server = await RelayServer.StartAsync();
        await using var reader = await TestClient.ConnectAsync(server);
        await reader.SubscribeAsync("news");

        await reader.SendAsync($$"""{"type":"upstream-message","channelId":"news","message":{{message}},"ephemeralPublicKey":""}""");

        Assert.Equal($$"""{"type":"upstream-ack","channelId":"news","messageId":{{id}}}""", await reader.ReceiveTextAsync());
    }

    [Fact]
    public async Task Upstream_TooFast_IsLimitedPerSocket()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Channels.UpstreamPerMinute = 2, new FakeTimeProvider(DateTimeOffset.UtcNow));
        await using var reader = await TestClient.ConnectAsync(server);
        await reader.SubscribeAsync("news");
        await using var other = await TestClient.ConnectAsync(server);
        await other.SubscribeAsync("news");

        await reader.UpstreamAsync("news", "1");
        await reader.UpstreamAsync("news", "2");
        await reader.SendAsync(ChannelClient.Upstream("news", "3"));

        await reader.ExpectErrorAsync("Upstream rate limit exceeded. Please slow down.");
        await other.UpstreamAsync("news", "4");
        Assert.Equal(3, server.Channels().Waiting);
    }

    [Fact]
    public async Task Upstream_NobodyOwns_WaitsAndComesBeforeTheConfirmation()
    {
        await using var server = await RelayServer.StartAsync();
        await using var reader = await TestClient.ConnectAsync(server);
        await reader.SubscribeAsync("news");
        await using var other = await TestClient.ConnectAsync(server);
        await other.SubscribeAsync("news");
        await reader.UpstreamAsync("news", "1");
        await other.UpstreamAsync("news", "2");
        await reader.UpstreamAsync("news", "\"\u0033\"");
        await reader.CloseAsync();

        await using var owner = await TestClient.ConnectAsync(server);
        await owner.SendAsync("""{"type":"channel-owner-register","channelId":"news"}""");

        await ExpectOwnedAsync(owner, "1", "2", "\"\u0033\"");
        await other.UpstreamAsync("news", "4");
        await owner.ExpectUpstreamAsync("4");
        await Eventually.TrueAsync(() => server.Channels() == new ChannelCounts(1, 1, 0, 1, 0, 0, 0, 0, 0), "nothing waits any more");
    }

    [Fact]
    public async Task Upstream_NobodyOwnsForFiveMinutes_IsForgotten()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.SilenceTimeout = TimeSpan.FromHours(1), time);
        await using var reader = await TestClient.ConnectAsync(server);
        await reader.SubscribeAsync("news");
        await reader.UpstreamAsync("news", "1");
        time.Advance(TimeSpan.FromSeconds(200));
        await reader.UpstreamAsync("news", "2");

        time.Advance(TimeSpan.FromSeconds(100));
        await using var owner = await TestClient.ConnectAsync(server);
        await owner.SendAsync("""{"type":"channel-owner-register","channelId":"news"}""");

        await ExpectOwnedAsync(owner, "2");
        Assert.Equal(1, server.Channels().UpstreamDropped);
    }

    /// <summary>The reference network has no cap on channels, subscriptions or what waits.</summary>
    [Fact]
    public async Task Socket_WantsMoreThanItsShare_IsRefused()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.MessagesPerMinute = 1000);
        await using var client = await TestClient.ConnectAsync(server);
        for (var channel = 0; channel < 20; channel++)
        {
            await client.OwnAsync($"own {channel}");
        }

        for (var channel = 0; channel < 100; channel++)
        {
            await client.SubscribeAsync($"sub {channel}");
        }

        await client.SendAsync("""{"type":"channel-owner-register","channelId":"own 20"}""");
        await client.ExpectErrorAsync("Too many channels");
        await client.SendAsync("""{"type":"channel-subscribe","channelId":"sub 100"}""");
        await client.ExpectErrorAsync("Too many subscriptions");

        // What it has already it may ask for again.
        await client.OwnAsync("own 19");
        await client.SubscribeAsync("sub 99");
        Assert.Equal(120, server.Channels().Channels);

        // 512 KiB wait per channel: two of these, and it is acknowledged all the same.
        for (var message = 0; message < 4; message++)
        {
            await client.UpstreamAsync("sub 0", $"\"{new string('x', 200_000)}\"");
        }

        var counts = server.Channels();
        Assert.Equal((2, true, 2L), (counts.Waiting, counts.WaitingBytes < 512 * 1024, counts.UpstreamDropped));
    }

    [Fact]
    public async Task Owner_Leaves_AnotherMayOwn()
    {
        await using var server = await RelayServer.StartAsync();
        await using var first = await TestClient.ConnectAsync(server);
        await first.OwnAsync("news");
        await first.OwnAsync("news");
        await using var second = await TestClient.ConnectAsync(server);

        await first.CloseAsync();
        await Eventually.TrueAsync(() => server.Channels().Owned == 0, "the channel is free");

        await second.OwnAsync("news");
        Assert.Equal(1, server.Channels().Channels);
    }

    [Fact]
    public async Task Members_Leave_NothingIsLeft()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.ConnectAsync(server);
        await using var reader = await TestClient.ConnectAsync(server);
        for (var channel = 0; channel < 10; channel++)
        {
            await owner.OwnAsync($"news {channel}");
            await owner.SubscribeAsync($"more {channel}");
            await reader.SubscribeAsync($"news {channel}");
        }

        var counts = server.Channels();
        Assert.Equal((20, 10, 20), (counts.Channels, counts.Owned, counts.Subscriptions));

        await owner.CloseAsync();
        reader.Socket.Abort();

        await server.EmptyAsync();
        Assert.Equal(default, server.Channels());
        Assert.All(server.All, relay => Assert.Empty(relay.Get<ChannelTable>().Snapshot()));
    }

    /// <summary>Owning or subscribing is being registered as something: docs/protocol.md, Connecting.</summary>
    [Theory]
    [InlineData("channel-owner-register", true)]
    [InlineData("channel-subscribe", true)]
    [InlineData("ping", false)]
    public async Task Socket_OwnsOrSubscribes_NeedNotRegister(string type, bool stays)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.SilenceTimeout = TimeSpan.FromHours(1), time);
        await using var client = await TestClient.ConnectAsync(server);
        await client.SendAsync($$"""{"type":"{{type}}","channelId":"news"}""");
        await client.ReceiveTextAsync();

        // Past the timeout of a minute, and not past the moment that a client has to answer the close frame.
        time.Pass(TimeSpan.FromSeconds(60.5));

        if (stays)
        {
            await client.ExpectNothingAsync();
        }
        else
        {
            Assert.Equal((1008, "Registration timeout"), await client.ExpectCloseAsync());
        }
    }

    // What waits at the owner's relay comes before the confirmation, in the order in which it was sent; what waits at others comes as they hear of the owner.
    private static async Task ExpectOwnedAsync(TestClient owner, params string[] messages)
    {
        if (!TestCluster.IsOn)
        {
            await owner.ExpectUpstreamAsync(messages);
            await owner.ExpectAsync("channel-owner-registered");
            return;
        }

        var heard = new List<string>();
        for (var i = 0; i <= messages.Length; i++)
        {
            var message = JsonDocument.Parse(await owner.ReceiveTextAsync()).RootElement;
            heard.Add(message.TryGetProperty("message", out var content) ? content.GetRawText() : message.GetProperty("type").GetString()!);
        }

        Assert.Equal(messages.Append("channel-owner-registered").Order(StringComparer.Ordinal), heard.Order(StringComparer.Ordinal));
    }
}
