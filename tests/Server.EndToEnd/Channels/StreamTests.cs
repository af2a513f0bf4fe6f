using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Relay.Channels;
using Relay.EndToEnd.Support;
using Relay.Sessions;
using Relay.Telemetry;

namespace Relay.EndToEnd.Channels;

/// <summary>stream-start, stream-frame and stream-end (docs/protocol.md, Streams).</summary>
[Trait("Clients", "Spread")]
public sealed class StreamTests
{
    private static readonly string TooLong = new('c', 257);

    public static TheoryData<string, string> Refused => new()
    {
        { """{"type":"stream-start","channelId":"own"}""", "Invalid message: stream-start: streamId must be a string" },
        { """{"type":"stream-start","streamId":"s","channelId":null}""", "Invalid message: stream-start: channelId must be a string" },
        { """{"type":"stream-start","streamId":"","channelId":"own"}""", "Missing required fields: streamId, channelId" },
        { """{"type":"stream-start","streamId":"s","channelId":""}""", "Missing required fields: streamId, channelId" },
        { $$"""{"type":"stream-start","streamId":"s","channelId":"{{TooLong}}"}""", "Invalid channel ID" },
        { $$"""{"type":"stream-start","streamId":"{{TooLong}}","channelId":"own"}""", "Invalid stream ID" },
        { """{"type":"stream-start","streamId":"s","channelId":"sub"}""", "Only the channel owner can start a stream" },
        { """{"type":"stream-start","streamId":"s","channelId":"unknown"}""", "Only the channel owner can start a stream" },
        { """{"type":"stream-frame","channelId":"own","frame":1}""", "Invalid message: stream-frame: streamId must be a string" },
        { """{"type":"stream-end","streamId":"s"}""", "Invalid message: stream-end: channelId must be a string" },
        { """{"type":"stream-end","streamId":"","channelId":"own"}""", "Missing required fields: streamId, channelId" },
        { $$"""{"type":"stream-end","streamId":"s","channelId":"{{TooLong}}"}""", "Invalid channel ID" },
        { $$"""{"type":"stream-end","streamId":"{{TooLong}}","channelId":"own"}""", "Invalid stream ID" },
        { """{"type":"stream-end","streamId":"s","channelId":"own"}""", "Cannot end stream: not the owner or no active stream" },
        { """{"type":"stream-end","streamId":"s","channelId":"sub"}""", "Cannot end stream: not the owner or no active stream" },
        { """{"type":"stream-end","streamId":"s","channelId":"unknown"}""", "Cannot end stream: not the owner or no active stream" },
    };

    /// <summary>The socket owns "own" and subscribes to "sub", where another's stream is live.</summary>
    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Message_NotPossible_IsToldWhy(string message, string error)
    {
        await using var server = await RelayServer.StartAsync();
        await using var other = await TestClient.ConnectAsync(server);
        await other.OwnAsync("sub");
        await other.JoinAsync("own");
        await using var client = await TestClient.ConnectAsync(server);
        await client.OwnAsync("own");
        await client.JoinAsync("sub");
        await other.StartAsync("sub", subscribers: 1);
        await client.ExpectAsync("stream-start");

        await client.SendAsync(message);

        await client.ExpectErrorAsync(error);
        await client.ExpectNothingAsync();
        await other.ExpectNothingAsync();
    }

    /// <summary>"sub" has a live stream of another's, "own" has none of its own, "live" has one.</summary>
    [Theory]
    [InlineData("""{"streamId":"live","channelId":"sub","frame":1}""")]
    [InlineData("""{"streamId":"live","channelId":"own","frame":1}""")]
    [InlineData("""{"streamId":"live","channelId":"unknown","frame":1}""")]
    [InlineData("""{"streamId":"live","channelId":"","frame":1}""")]
    [InlineData("""{"streamId":"","channelId":"live","frame":1}""")]
    [InlineData("""{"streamId":"live","channelId":"live"}""")]
    [InlineData("""{"streamId":"live","channelId":"live","frame":null}""")]
    [InlineData("""{"streamId":"live","channelId":"live","frame":""}""")]
    public async Task Frame_MalformedOrOfNoLiveStream_IsSilentlyDropped(string frame)
    {
        await using var server = await RelayServer.StartAsync();
        await using var other = await TestClient.ConnectAsync(server);
        await other.OwnAsync("sub");
        await other.StartAsync("sub", subscribers: 0);
        await using var client = await TestClient.ConnectAsync(server);
        foreach (var channel in new[] { "own", "live" })
        {
            await client.OwnAsync(channel);
            await other.JoinAsync(channel);
        }

        await client.StartAsync("live", subscribers: 1);
        await other.ExpectAsync("stream-start");

        await client.SendAsync(frame.Replace("{", """{"type":"stream-frame",""", StringComparison.Ordinal));

        await client.ExpectNothingAsync();
        await other.ExpectNothingAsync();
    }

    [Fact]
    public async Task Stream_FromStartToEnd_ReachesEverySubscriberByteForByte()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.ConnectAsync(server);
        await owner.OwnAsync("news");
        await using var first = await TestClient.ConnectAsync(server);
        await first.JoinAsync("news");
        await using var second = await TestClient.ConnectAsync(server);
        await second.JoinAsync("news");

        await owner.SendAsync($$"""{"type":"stream-start","streamId":"s1","channelId":"news","title":"  {{new string('t', 200)}} "}""");
        await owner.SendAsync("""{"type":"stream-frame","streamId":"s\u0031","channelId":"n\u0065ws","frame": { "a" : [1.0, "\u00e9é<&>"] } , "more":1}""");
        await owner.SendAsync("""{"type":"stream-frame","streamId":"another","channelId":"news","frame":false}""");
        await owner.SendAsync("""{"type":"stream-end","streamId":"s1","channelId":"news"}""");

        foreach (var subscriber in new[] { first, second })
        {
            Assert.Equal($$"""{"type":"stream-start","streamId":"s1","channelId":"news","title":"{{new string('t', 128)}}"}""", await subscriber.ReceiveTextAsync());
            Assert.Equal("""{"type":"stream-frame","streamId":"s\u0031","channelId":"n\u0065ws","frame":{ "a" : [1.0, "\u00e9é<&>"] }}""", await subscriber.ReceiveTextAsync());
            Assert.Equal("""{"type":"stream-frame","streamId":"another","channelId":"news","frame":false}""", await subscriber.ReceiveTextAsync());
            Assert.Equal("""{"type":"stream-end","streamId":"s1","channelId":"news"}""", await subscriber.ReceiveTextAsync());
            await subscriber.ExpectNothingAsync();
        }

        Assert.Equal("""{"type":"stream-started","streamId":"s1","channelId":"news","subscriberCount":2}""", await owner.ReceiveTextAsync());
        Assert.Equal("""{"type":"stream-ended","streamId":"s1","channelId":"news"}""", await owner.ReceiveTextAsync());
        await owner.ExpectNothingAsync();
        Assert.Equal(new ChannelCounts(1, 1, 0, 2, 0, 0, 4, 0, 0), server.Channels());
        Assert.Equal(4, server.Sum<ChannelTable>(table => table.Snapshot().Sum(channel => channel.FramesSent)));
    }

    [Theory]
    [InlineData("7")]
    [InlineData("\"   \"")]
    [InlineData("null")]
    public async Task Start_NoTitle_IsPassedOnWithoutOne(string title)
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.ConnectAsync(server);
        await owner.OwnAsync("news");
        await owner.JoinAsync("news");

        await owner.SendAsync($$"""{"type":"stream-start","streamId":"s","channelId":"news","title":{{title}}}""");

        Assert.Equal("""{"type":"stream-start","streamId":"s","channelId":"news"}""", await owner.ReceiveTextAsync());
    }

    [Fact]
    public async Task Subscriber_JoinsALiveStream_IsToldOnceBeforeItsFrames()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.ConnectAsync(server);
        await owner.OwnAsync("news");
        await owner.StartAsync("news", subscribers: 0);
        await owner.SendAsync(ChannelClient.Frame("news", "1"));
        await owner.ExpectNothingAsync();
        await using var late = await TestClient.ConnectAsync(server);

        await late.SubscribeAsync("news");
        Assert.Equal("""{"type":"stream-start","streamId":"live","channelId":"news","title":"Live"}""", await late.ReceiveTextAsync());
        await late.ExpectNothingAsync();
        await owner.SendAsync(ChannelClient.Frame("news", "2"));

        Assert.Equal("2", (await late.ExpectAsync("stream-frame")).GetProperty("frame").GetRawText());

        // A start replaces the live stream; who subscribes again hears what is live now.
        await owner.SendAsync("""{"type":"stream-start","streamId":"next","channelId":"news"}""");
        Assert.Equal("next", (await late.ExpectAsync("stream-start")).GetProperty("streamId").GetString());
        await late.SubscribeAsync("news");
        Assert.Equal("next", (await late.ExpectAsync("stream-start")).GetProperty("streamId").GetString());
        await late.ExpectNothingAsync();
        var counts = server.Channels();
        Assert.Equal((1, 1), (counts.Live, counts.Subscriptions));
    }

    [Fact]
    public async Task Owner_Leaves_ItsStreamsEndAndSubscribersStay()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.ConnectAsync(server);
        await using var subscriber = await TestClient.ConnectAsync(server);
        foreach (var channel in new[] { "live", "quiet" })
        {
            await owner.OwnAsync(channel);
            await subscriber.JoinAsync(channel);
        }

        await owner.StartAsync("live", subscribers: 1);
        await subscriber.ExpectAsync("stream-start");

        owner.Socket.Abort();

        Assert.Equal("""{"type":"stream-end","streamId":"live","channelId":"live"}""", await subscriber.ReceiveTextAsync());
        await Eventually.TrueAsync(() => server.Channels() == new ChannelCounts(2, 0, 0, 2, 0, 0, 0, 0, 0), "the owner is forgotten");
        await using var next = await TestClient.ConnectAsync(server);
        await next.OwnAsync("live");
        await server.SubscribersAreAsync("live", 1);
        await next.StartAsync("live", subscribers: 1);
        await subscriber.ExpectAsync("stream-start");
        await subscriber.ExpectNothingAsync();
    }

    /// <summary>
    /// In the reference network what a slow reader does not read grows without limit. Here it loses frames, which are
    /// counted; the others lose none, and the stream's end reaches the slow one too.
    /// </summary>
    [Fact]
    public async Task Subscriber_ThatDoesNotRead_LosesFramesAndNobodyElseDoes()
    {
        // Time stands still: the socket that does not read is not closed for that.
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(
            settings => (settings.Sessions.MessagesPerMinute, settings.Sessions.BytesBurst) = (100_000, 1 << 30), time);
        await using var owner = await TestClient.ConnectAsync(server);
        await owner.OwnAsync("news");
        await using var slow = await RawWebSocket.OpenAsync(server);
        await slow.WriteTextFrameAsync("""{"type":"channel-subscribe","channelId":"news"}""");
        Assert.Contains("channel-subscribed", await slow.ReadTextAsync(), StringComparison.Ordinal);
        await using var fast = await TestClient.ConnectAsync(server);
        await fast.JoinAsync("news");
        await owner.StartAsync("news", subscribers: 2);
        await fast.ExpectAsync("stream-start");

        var frames = 0;
        for (var more = 10; more > 0 && frames < 400; more -= server.Channels().FramesDropped > 0 ? 1 : 0)
        {
            await owner.SendAsync(ChannelClient.Frame("news", $"[{++frames},\"{new string('x', 100_000)}\"]"));
            Assert.Equal(frames, Number(await fast.ExpectAsync("stream-frame")));
            Assert.InRange(server.Get<RelayMetrics>().Queued, 0, 128);
        }

        await owner.SendAsync("""{"type":"stream-end","streamId":"live","channelId":"news"}""");
        await owner.ExpectAsync("stream-ended");
        await fast.ExpectAsync("stream-end");
        await Eventually.TrueAsync(() => server.Channels() is var sum && sum.FramesSent + sum.FramesDropped == 2 * frames, "every frame is counted");
        var counts = server.Channels();
        Assert.InRange(counts.FramesDropped, 10, frames);
        Assert.Equal(counts.FramesDropped, server.Sum<ChannelTable>(table => table.Snapshot().Sum(channel => channel.FramesDropped)));
        Assert.Equal(3, server.Sum<SessionTable>(sessions => sessions.Count));

        var (last, heard) = (0, 0);
        JsonElement message;
        while ((message = JsonDocument.Parse(await slow.ReadTextAsync()).RootElement).GetProperty("type").GetString() != "stream-end")
        {
            if (message.GetProperty("type").GetString() == "stream-frame")
            {
                Assert.InRange(Number(message), last + 1, frames);
                last = Number(message);
                heard++;
            }
        }

        Assert.Equal(counts.FramesSent - frames, heard);
    }

    private static int Number(JsonElement message) => message.GetProperty("frame")[0].GetInt32();
}
