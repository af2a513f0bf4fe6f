using System.Text.Json;
using Google.Protobuf;
using Relay.Channels;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Cluster;

/// <summary>Streams of an owner at one relay for subscribers at others.</summary>
public sealed class StreamsAcrossRelaysTests
{
    [Fact]
    public async Task Stream_FromStartToEnd_ReachesAnotherRelayByteForByte()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("n\u00e9ws \"1\"".Replace("\"", "\\\"", StringComparison.Ordinal));
        await using var subscriber = await TestClient.ConnectAsync(cluster[1]);
        await subscriber.JoinAsync("n\u00e9ws \\\"1\\\"");

        await owner.SendAsync($$"""{"type":"stream-start","streamId":"s1","channelId":"néws \"1\"","title":"  {{new string('t', 200)}} "}""");
        await owner.SendAsync("""{"type":"stream-frame","streamId":"s\u0031","channelId":"n\u00e9ws \"1\"","frame": { "a" : [1.0, "\u00e9é<&>\ud800"] } , "more":1}""");
        await owner.SendAsync("""{"type":"stream-frame","streamId":"another","channelId":"néws \"1\"","frame":false}""");
        await owner.SendAsync("""{"type":"stream-start","streamId":"s2","channelId":"néws \"1\""}""");
        await owner.SendAsync("""{"type":"stream-end","streamId":"s2","channelId":"néws \"1\""}""");

        Assert.Equal($$"""{"type":"stream-start","streamId":"s1","channelId":"néws \"1\"","title":"{{new string('t', 128)}}"}""", await subscriber.ReceiveTextAsync());
        Assert.Equal("""{"type":"stream-frame","streamId":"s\u0031","channelId":"n\u00e9ws \"1\"","frame":{ "a" : [1.0, "\u00e9é<&>\ud800"] }}""", await subscriber.ReceiveTextAsync());
        Assert.Equal("""{"type":"stream-frame","streamId":"another","channelId":"néws \"1\"","frame":false}""", await subscriber.ReceiveTextAsync());
        Assert.Equal("""{"type":"stream-start","streamId":"s2","channelId":"néws \"1\""}""", await subscriber.ReceiveTextAsync());
        Assert.Equal("""{"type":"stream-end","streamId":"s2","channelId":"néws \"1\""}""", await subscriber.ReceiveTextAsync());
        await subscriber.ExpectNothingAsync();
        Assert.Equal(2, cluster[1].Get<ChannelTable>().Counts().FramesSent);
    }

    [Fact]
    public async Task Frames_ToSubscribersOfThreeRelays_ComeOnceAndInOrder()
    {
        const int Frames = 1000;
        const int Window = 16;
        await using var cluster = await RelayCluster.StartAsync(3, settings => settings.Sessions.MessagesPerMinute = 100_000);
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        var subscribers = new List<(TestClient Client, SemaphoreSlim Window)>();
        foreach (var relay in new[] { 0, 0, 1, 1, 2, 2 })
        {
            subscribers.Add((await TestClient.ConnectAsync(cluster[relay]), new SemaphoreSlim(Window)));
            await subscribers[^1].Client.JoinAsync("news");
        }

        await owner.StartAsync("news", subscribers.Count);
        await Task.WhenAll(subscribers.Select(one => ReceiveAsync(one.Client, one.Window)).Append(SendAsync()));

        foreach (var (client, window) in subscribers)
        {
            await client.ExpectNothingAsync();
            await client.DisposeAsync();
            window.Dispose();
        }

        // Once for each channel, whoever subscribes.
        Assert.Equal([Frames, 0, 0], Enumerable.Range(0, 3).Select(relay => CountFrames(cluster[relay], "sent")));
        Assert.Equal([0, Frames, Frames], Enumerable.Range(0, 3).Select(relay => CountFrames(cluster[relay], "received")));
        Assert.All(Enumerable.Range(0, 3), relay => Assert.Equal((2 * Frames, 0), (cluster[relay].Get<ChannelTable>().Counts().FramesSent, cluster[relay].Get<ChannelTable>().Counts().FramesDropped)));

        async Task SendAsync()
        {
            for (var i = 0; i < Frames; i++)
            {
                foreach (var (_, window) in subscribers)
                {
                    Assert.True(await window.WaitAsync(TestClient.Timeout));
                }

                await owner.SendAsync(ChannelClient.Frame("news", $"{i}"));
            }
        }

        static async Task ReceiveAsync(TestClient client, SemaphoreSlim window)
        {
            await client.ExpectAsync("stream-start");
            for (var i = 0; i < Frames; i++)
            {
                Assert.Equal(i, (await client.ExpectAsync("stream-frame")).GetProperty("frame").GetInt32());
                window.Release();
            }
        }
    }

    [Fact]
    public async Task Subscriber_JoinsALiveStreamOfAnotherRelay_IsToldBeforeItsFrames()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        await owner.StartAsync("news", subscribers: 0);
        await owner.SendAsync(ChannelClient.Frame("news", "1"));
        await owner.ExpectNothingAsync();

        // The first of its relay, and one that finds it subscribed.
        for (var i = 0; i < 2; i++)
        {
            await using var late = await TestClient.ConnectAsync(cluster[1]);
            await late.SubscribeAsync("news");
            Assert.Equal("""{"type":"stream-start","streamId":"live","channelId":"news","title":"Live"}""", await late.ReceiveTextAsync());
            await late.ExpectNothingAsync();
            await owner.SendAsync(ChannelClient.Frame("news", $"{i}"));
            Assert.Equal($"{i}", (await late.ExpectAsync("stream-frame")).GetProperty("frame").GetRawText());
            await late.SubscribeAsync("news");
            await late.ExpectAsync("stream-start");
        }
    }

    [Fact]
    public async Task Owner_LeavesAndAnotherComesElsewhere_SubscribersHearOneAfterTheOther()
    {
        await using var cluster = await RelayCluster.StartAsync(3);
        await using var subscriber = await TestClient.ConnectAsync(cluster[2]);
        await subscriber.JoinAsync("news");
        foreach (var relay in new[] { 0, 1, 2, 0, 2 })
        {
            await using var owner = await TestClient.ConnectAsync(cluster[relay]);
            await owner.OwnAsync("news");
            await Eventually.TrueAsync(() => cluster[2].Get<ChannelTable>().OwnerOf("news") is not null || cluster[2].Elsewhere("news").Owner is not null, "it is known");
            await owner.StartAsync("news", subscribers: 1);
            await subscriber.ExpectAsync("stream-start");
            await owner.SendAsync(ChannelClient.Frame("news", $"{relay}"));
            Assert.Equal($"{relay}", (await subscriber.ExpectAsync("stream-frame")).GetProperty("frame").GetRawText());
            await owner.CloseAsync();
            await subscriber.ExpectAsync("stream-end");
            await Eventually.TrueAsync(() => cluster[relay].Get<ChannelTable>().Counts().Owned == 0, "the owner is forgotten");
        }

        await subscriber.ExpectNothingAsync();
    }

    /// <summary>A relay that is wrong, or whoever else may publish: only the relay whose client owns the channel is believed.</summary>
    [Fact]
    public async Task Relay_PublishesForAChannelThatIsNotItsOwn_NobodyHearsIt()
    {
        await using var cluster = await RelayCluster.StartAsync(3);
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        await using var subscriber = await TestClient.ConnectAsync(cluster[1]);
        await subscriber.JoinAsync("news");
        await owner.StartAsync("news", subscribers: 1);
        await subscriber.ExpectAsync("stream-start");
        var (hostile, victim) = (cluster[2].Get<ChannelBus>(), cluster[1].Get<ClusterBus>());
        var frame = """{"type":"stream-frame","streamId":"live","channelId":"news","frame":666}""";
        var address = new ClientAddress { Low = 1, Bits = 32 };

        foreach (var revision in new ulong[] { 0, 1, 2, 3, 1_000_000, ulong.MaxValue })
        {
            Assert.True(hostile.Publish("news", Frame(revision, frame)));
            Assert.True(hostile.Publish("news", State(revision, owned: false, address)));
            Assert.True(hostile.Publish("news", State(revision, owned: true, address)));
        }

        // What no relay sends, whoever it is.
        Envelope[] invalid =
        [
            State(1, owned: true, address: null),
            new() { ChannelState = new ChannelState { Owned = true, Revision = 1, StreamId = new string('s', 257), Address = address } },
            new() { ChannelState = new ChannelState { Owned = true, Revision = 1, StreamId = "s", Address = new ClientAddress { Bits = 1000 } } },
        ];
        Assert.All(invalid, message => Assert.True(hostile.Publish("news", message)));
        await Eventually.TrueAsync(() => victim.Counts.Refused == invalid.Length, "all that is wrong was counted");
        await subscriber.ExpectNothingAsync();

        // Of the owner's relay itself: a frame that is none.
        string[] malformed =
        [
            "", "1", "{}", frame + "}", frame.Replace("stream-frame", "stream-start", StringComparison.Ordinal), frame.Replace("news", "other", StringComparison.Ordinal),
            frame.Replace("666", "null", StringComparison.Ordinal), frame.Replace("\"live\"", "1", StringComparison.Ordinal), frame.Replace("\"live\"", "\"\"", StringComparison.Ordinal),
        ];
        var live = cluster[0].Elsewhere("news").Revision;
        Assert.All(malformed, text => Assert.True(cluster[0].Get<ChannelBus>().Publish("news", Frame(live, text))));
        Assert.True(cluster[0].Get<ChannelBus>().Publish("news", Frame(live - 1, frame)));
        await Eventually.TrueAsync(() => victim.Counts.Refused == invalid.Length + malformed.Length, "all that is wrong was counted");
        await subscriber.ExpectNothingAsync();

        await owner.SendAsync(ChannelClient.Frame("news", "1"));
        Assert.Equal("1", (await subscriber.ExpectAsync("stream-frame")).GetProperty("frame").GetRawText());
        await subscriber.ExpectNothingAsync();
    }

    /// <summary>A slow subscriber loses frames at its own relay, where they are counted; the others lose none, and it hears of the stream's end.</summary>
    [Fact]
    public async Task Subscriber_ThatDoesNotReadAtAnotherRelay_LosesFramesAlone()
    {
        await using var cluster = await RelayCluster.StartAsync(configure: settings => (settings.Sessions.MessagesPerMinute, settings.Sessions.BytesBurst) = (100_000, 1 << 30));
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        await using var slow = await RawWebSocket.OpenAsync(cluster[1]);
        await slow.WriteTextFrameAsync("""{"type":"channel-subscribe","channelId":"news"}""");
        Assert.Contains("channel-subscribed", await slow.ReadTextAsync(), StringComparison.Ordinal);
        await using var fast = await TestClient.ConnectAsync(cluster[1]);
        await fast.JoinAsync("news");
        await owner.StartAsync("news", subscribers: 2);
        await fast.ExpectAsync("stream-start");

        var frames = 0;
        for (var more = 10; more > 0 && frames < 400; more -= cluster[1].Get<ChannelTable>().Counts().FramesDropped > 0 ? 1 : 0)
        {
            await owner.SendAsync(ChannelClient.Frame("news", $"[{++frames},\"{new string('x', 100_000)}\"]"));
            Assert.Equal(frames, (await fast.ExpectAsync("stream-frame")).GetProperty("frame")[0].GetInt32());
        }

        await owner.SendAsync("""{"type":"stream-end","streamId":"live","channelId":"news"}""");
        await fast.ExpectAsync("stream-end");
        var counts = cluster[1].Get<ChannelTable>().Counts();
        Assert.InRange(counts.FramesDropped, 10, frames);
        Assert.Equal(2 * frames, counts.FramesSent + counts.FramesDropped);
        var (last, type) = (0, "");
        while (type != "stream-end")
        {
            var message = JsonDocument.Parse(await slow.ReadTextAsync()).RootElement;
            type = message.GetProperty("type").GetString();
            if (type == "stream-frame")
            {
                Assert.InRange(message.GetProperty("frame")[0].GetInt32(), last + 1, frames);
                last = message.GetProperty("frame")[0].GetInt32();
            }
        }
    }

    private static long CountFrames(RelayServer relay, string direction) =>
        relay.Get<ClusterBus>().Traffic.All().Single(row => row.Direction == direction && row.Kind == "channel_frame").Messages;

    private static Envelope Frame(ulong revision, string message) =>
        new() { ChannelFrame = new ChannelFrame { Revision = revision, Message = ByteString.CopyFromUtf8(message) } };

    private static Envelope State(ulong revision, bool owned, ClientAddress? address) =>
        new() { ChannelState = new ChannelState { Owned = owned, Revision = revision, StreamId = "hostile", Address = address } };
}
