using Relay.Channels;
using Relay.Clients;
using Relay.Cluster;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Cluster;

/// <summary>Who owns a channel, and who subscribes to it, across the relays of a cluster.</summary>
public sealed class ChannelsAcrossRelaysTests
{
    private const string Owned = "Channel already has an active owner";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Owner_OnAnotherRelay_HasTheChannelUntilItLeaves()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var first = await TestClient.ConnectAsync(cluster[0]);
        await first.OwnAsync("news");
        await using var second = await TestClient.ConnectAsync(cluster[1]);

        await OwnAsync(second, "news");
        await second.ExpectErrorAsync(Owned);
        await first.OwnAsync("news");
        Assert.Equal(default, cluster[1].Get<ChannelTable>().Counts());

        await first.CloseAsync();
        await Eventually.TrueAsync(() => cluster[0].Get<ChannelTable>().Counts().Owned == 0, "the owner has left");
        await second.OwnAsync("news");
        await using var third = await TestClient.ConnectAsync(cluster[0]);
        await OwnAsync(third, "news");
        await third.ExpectErrorAsync(Owned);
    }

    [Fact]
    public async Task Claims_OnTwoRelaysAtOnce_OneWins()
    {
        const int Rounds = 300;
        await using var cluster = await RelayCluster.StartAsync(configure: settings =>
        {
            settings.Channels.OwnedPerSocket = Rounds;
            settings.Sessions.MessagesPerMinute = 100_000;
        });
        await using var a = await TestClient.ConnectAsync(cluster[0]);
        await using var b = await TestClient.ConnectAsync(cluster[1]);
        var won = new int[2];
        for (var round = 0; round < Rounds; round++)
        {
            await Task.WhenAll(OwnAsync(a, $"news {round}"), OwnAsync(b, $"news {round}"));
            var answers = await Task.WhenAll(a.ReceiveTextAsync(), b.ReceiveTextAsync());

            var winner = Array.FindIndex(answers, answer => answer == $$"""{"type":"channel-owner-registered","channelId":"news {{round}}"}""");
            Assert.True(winner >= 0 && answers[1 - winner].Contains(Owned, StringComparison.Ordinal), string.Join(' ', answers));
            won[winner]++;
        }

        Assert.Equal(won, Enumerable.Range(0, 2).Select(relay => cluster[relay].Get<ChannelTable>().Counts().Owned));
    }

    [Fact]
    public async Task Killed_OwnersStreamEndsAndTheChannelIsFree()
    {
        await using var cluster = await RelayCluster.StartAsync(1);
        await using var lost = await RelayProcess.StartAsync(cluster.Arguments("lost"));
        await using var owner = await TestClient.ConnectAsync(lost.Port);
        await owner.OwnAsync("news");
        await using var subscriber = await TestClient.ConnectAsync(cluster[0]);
        await subscriber.JoinAsync("news");
        await owner.StartAsync("news", subscribers: 1);
        await subscriber.ExpectAsync("stream-start");

        await lost.KillAsync();

        Assert.Equal("""{"type":"stream-end","streamId":"live","channelId":"news"}""", await subscriber.ReceiveTextAsync());
        await using var next = await TestClient.ConnectAsync(cluster[0]);
        await next.OwnAsync("news");
        await next.StartAsync("news", subscribers: 1);
        await subscriber.ExpectAsync("stream-start");
        await subscriber.ExpectNothingAsync();
    }

    [Fact]
    public async Task Subscribers_AtAllRelays_AreCountedForTheOwner()
    {
        await using var cluster = await RelayCluster.StartAsync(3);
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        await using var first = await TestClient.ConnectAsync(cluster[0]);
        await first.JoinAsync("news");
        await using var second = await TestClient.ConnectAsync(cluster[1]);
        await second.JoinAsync("news");
        await using var third = await TestClient.ConnectAsync(cluster[1]);
        await third.JoinAsync("news");
        await using var fourth = await TestClient.ConnectAsync(cluster[2]);
        await fourth.JoinAsync("news");
        await owner.StartAsync("news", "1", subscribers: 4);

        await third.CloseAsync();
        await fourth.CloseAsync();
        await Eventually.TrueAsync(() => cluster[0].Elsewhere("news").Subscribers == 1, "the owner's relay knows that they have left");
        await owner.StartAsync("news", "2", subscribers: 2);
    }

    [Fact]
    public async Task LastSubscriber_Leaves_RelayHearsNothingMoreOfTheChannel()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        await using var subscriber = await TestClient.ConnectAsync(cluster[1]);
        await subscriber.JoinAsync("news");
        await owner.StartAsync("news", subscribers: 1);
        await subscriber.ExpectAsync("stream-start");
        Assert.Equal(cluster[0].Get<ClusterNode>().Epoch, cluster[1].Elsewhere("news").Owner?.Epoch);
        Assert.Equal(1, cluster[1].Get<ChannelTable>().Counts().Live);

        await subscriber.CloseAsync();
        await Eventually.TrueAsync(() => !cluster[0].Elsewhere("news").HasSubscribers, "the owner's relay knows that it has left");
        Assert.Equal(default, cluster[1].Get<ChannelTable>().Counts());
        var before = Received(cluster[1]);
        await owner.SendAsync(ChannelClient.Frame("news", "1"));
        await owner.SendAsync("""{"type":"stream-end","streamId":"live","channelId":"news"}""");
        await owner.ExpectAsync("stream-ended");
        await cluster[0].Get<ClusterBus>().FlushAsync();
        await cluster[1].Get<ClusterBus>().FlushAsync();

        Assert.Equal(before, Received(cluster[1]));
        Assert.Equal(0, Messages(cluster[0], "sent", "channel_frame"));
    }

    [Fact]
    public async Task Nats_IsAway_ChannelsGoOnAtEachRelayAndAreOneAfterwards()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        await using var near = await TestClient.ConnectAsync(cluster[0]);
        await near.JoinAsync("news");
        await using var far = await TestClient.ConnectAsync(cluster[1]);
        await far.JoinAsync("news");
        await owner.StartAsync("news", subscribers: 2);
        await far.ExpectAsync("stream-start");
        await near.ExpectAsync("stream-start");
        await cluster.Nats.KillAsync();
        await Eventually.TrueAsync(() => !cluster[0].Get<ClusterBus>().IsUp && !cluster[1].Get<ClusterBus>().IsUp, "both have noticed");

        await owner.SendAsync(ChannelClient.Frame("news", "1"));
        await near.ExpectAsync("stream-frame");
        Assert.Equal(1, cluster[0].Get<ChannelAnnouncer>().FramesLost);

        // The owner's relay is not heard any more, as if it were gone.
        await far.ExpectAsync("stream-end");
        await using var alone = await TestClient.ConnectAsync(cluster[1]);
        await alone.OwnAsync("news");
        await alone.StartAsync("news", subscribers: 1);
        await far.ExpectAsync("stream-start");

        await cluster.Nats.RestartAsync();
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterBus>().IsUp && cluster[1].Get<ClusterBus>().IsUp, "both are back", Patience);

        Assert.Equal((1012, "Name in use on another server"), await alone.ExpectCloseAsync());
        await far.ExpectAsync("stream-end");
        Assert.Equal("""{"type":"stream-start","streamId":"live","channelId":"news","title":"Live"}""", await far.ReceiveTextAsync());
        await Eventually.TrueAsync(() => cluster[0].Elsewhere("news").HasSubscribers, "the owner's relay knows its subscribers again", Patience);
        await owner.SendAsync(ChannelClient.Frame("news", "2"));
        Assert.Equal("2", (await far.ExpectAsync("stream-frame")).GetProperty("frame").GetRawText());
        Assert.Equal("2", (await near.ExpectAsync("stream-frame")).GetProperty("frame").GetRawText());
        await near.ExpectNothingAsync();
    }

    [Fact]
    public async Task Client_LeavesWhileItClaims_ChannelIsFreeEverywhere()
    {
        await using var cluster = await RelayCluster.StartAsync();
        for (var round = 0; round < 50; round++)
        {
            await using var leaving = await TestClient.ConnectAsync(cluster[0]);
            await OwnAsync(leaving, "news");
            await leaving.SendAsync("""{"type":"channel-subscribe","channelId":"news"}""");
            leaving.Socket.Abort();
        }

        await cluster[0].EmptyAsync();
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterNameTable>().Count == 0 && cluster[0].Get<ChannelTable>().Counts() == default, "nothing of them is left");
        await using var next = await TestClient.ConnectAsync(cluster[1]);
        await next.OwnAsync("news");
    }

    private static long Received(RelayServer relay) => Messages(relay, "received", "channel_frame") + Messages(relay, "received", "channel_state");

    private static long Messages(RelayServer relay, string direction, string kind) =>
        relay.Get<ClusterBus>().Traffic.All().Single(row => row.Direction == direction && row.Kind == kind).Messages;

    private static Task OwnAsync(TestClient client, string channelId) =>
        client.SendAsync($$"""{"type":"channel-owner-register","channelId":"{{channelId}}"}""");
}
