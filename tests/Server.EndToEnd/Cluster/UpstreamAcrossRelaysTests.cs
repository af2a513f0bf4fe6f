using Google.Protobuf;
using Relay.Channels;
using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.EndToEnd.Support;
using Result = Relay.Cluster.V1.UpstreamAnswer.Types.Result;

namespace Relay.EndToEnd.Cluster;

/// <summary>Upstream messages of subscribers for an owner at another relay.</summary>
public sealed class UpstreamAcrossRelaysTests
{
    private const int PerMinute = 30;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Messages_ToAnOwnerElsewhere_ArriveOnceInOrderByteForByte()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        await using var subscriber = await TestClient.ConnectAsync(cluster[1]);
        await subscriber.JoinAsync("news");

        const string Content = """{"id": "m1", "n" : [1.0, "\u00e9é\ud800"]}""";
        await subscriber.SendAsync(ChannelClient.Upstream("news", Content));
        Assert.Equal("""{"type":"upstream-ack","channelId":"news","messageId":"m1"}""", await subscriber.ReceiveTextAsync());
        Assert.Equal($$"""{"type":"upstream-message","channelId":"news","message":{{Content}},"ephemeralPublicKey":"key"}""", await owner.ReceiveTextAsync());
        for (var i = 1; i < PerMinute; i++)
        {
            await subscriber.UpstreamAsync("news", $"{i}");
        }

        await subscriber.SendAsync(ChannelClient.Upstream("news", "99"));
        await subscriber.ExpectErrorAsync("Upstream rate limit exceeded. Please slow down.");
        await owner.ExpectUpstreamAsync(Enumerable.Range(1, PerMinute - 1).Select(number => $"{number}"));
        await owner.ExpectNothingAsync();
        await Eventually.TrueAsync(() => cluster[1].Get<ChannelTable>().Counts() is { Waiting: 0, WaitingBytes: 0, UpstreamDropped: 0 }, "nothing waits");
    }

    [Fact]
    public async Task Messages_WithoutAnOwner_WaitAtTheirRelayForOneElsewhere()
    {
        await using var cluster = await RelayCluster.StartAsync(3);
        await using var one = await TestClient.ConnectAsync(cluster[1]);
        await one.JoinAsync("news");
        await using var two = await TestClient.ConnectAsync(cluster[2]);
        await two.JoinAsync("news");
        foreach (var number in Enumerable.Range(0, 20))
        {
            await one.UpstreamAsync("news", $"1{number:00}");
            await two.UpstreamAsync("news", $"2{number:00}");
        }

        // Also those of a subscriber that has left.
        await two.CloseAsync();
        await Eventually.TrueAsync(() => cluster[2].Get<ChannelTable>().Counts() is { Subscriptions: 0, Waiting: 20 }, "its messages wait");
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");

        var heard = new List<string>();
        while (heard.Count < 40)
        {
            heard.Add((await owner.ExpectAsync("upstream-message")).GetProperty("message").GetRawText());
        }

        Assert.Equal(Enumerable.Range(0, 20).Select(number => $"1{number:00}"), heard.Where(message => message[0] == '1'));
        Assert.Equal(Enumerable.Range(0, 20).Select(number => $"2{number:00}"), heard.Where(message => message[0] == '2'));
        await owner.ExpectNothingAsync();
        await Eventually.TrueAsync(() => cluster[2].Get<ChannelTable>().Counts() is { Channels: 0, Waiting: 0, WaitingBytes: 0, UpstreamDropped: 0 }, "the channel is gone there");
    }

    [Fact]
    public async Task Owner_Moves_MessagesFollow()
    {
        await using var cluster = await RelayCluster.StartAsync(3);
        await using var subscriber = await TestClient.ConnectAsync(cluster[2]);
        await subscriber.JoinAsync("news");
        foreach (var relay in new[] { 0, 1, 2, 1 })
        {
            await subscriber.UpstreamAsync("news", $"1{relay}");
            await using var owner = await TestClient.ConnectAsync(cluster[relay]);
            await owner.SendAsync("""{"type":"channel-owner-register","channelId":"news"}""");
            var heard = new[] { await owner.ReceiveTextAsync(), await owner.ReceiveTextAsync() };
            Assert.Single(heard, message => message.Contains("registered", StringComparison.Ordinal));
            Assert.Single(heard, message => message.Contains($"\"message\":1{relay}", StringComparison.Ordinal));
            await subscriber.UpstreamAsync("news", $"2{relay}");
            await owner.ExpectUpstreamAsync($"2{relay}");
            await Eventually.TrueAsync(() => cluster[2].Get<ChannelTable>().Counts().Waiting == 0, "the owner's relay has answered");
            await owner.CloseAsync();
            await Eventually.TrueAsync(() => cluster[relay].Get<ChannelTable>().Counts().Owned == 0, "the owner is forgotten");
        }
    }

    /// <summary>The relay does not answer, and may have got the message: it gets it again with the same number, and knows it.</summary>
    [Fact]
    public async Task OwnersRelay_IsStopped_MessagesArriveOnceWhenItGoesOn()
    {
        await using var cluster = await RelayCluster.StartAsync(1);
        await using var stopped = await RelayProcess.StartAsync(cluster.Arguments("stopped"));
        await using var owner = await TestClient.ConnectAsync(stopped.Port);
        await owner.OwnAsync("news");
        await using var subscriber = await TestClient.ConnectAsync(cluster[0]);
        await subscriber.JoinAsync("news");
        await stopped.SignalAsync("STOP");
        await subscriber.UpstreamAsync("news", "1");
        await subscriber.UpstreamAsync("news", "2");
        await Eventually.TrueAsync(() => cluster[0].Get<Questions>().Silent > 0 && cluster[0].Elsewhere("news").Owner is null, "it counts as gone", Patience);

        await stopped.SignalAsync("CONT");

        await owner.ExpectUpstreamAsync("1", "2");
        await Eventually.TrueAsync(() => cluster[0].Get<ChannelTable>().Counts().Waiting == 0, "both were taken", Patience);
        await owner.ExpectNothingAsync();
    }

    /// <summary>The owner takes no more of the sender's address: what it sends waits at its own relay, and comes when the owner reads.</summary>
    [Fact]
    public async Task OwnerElsewhere_DoesNotRead_MessagesWaitAndComeInOrder()
    {
        await using var cluster = await RelayCluster.StartAsync(configure: StalledReceiver.Configure);
        await using var owner = await StalledReceiver.RegisterAsync(cluster[0]);
        await owner.Socket.WriteTextFrameAsync("""{"type":"channel-owner-register","channelId":"news"}""");
        Assert.Contains("channel-owner-registered", await owner.Socket.ReadTextAsync(), StringComparison.Ordinal);
        await using var subscriber = await TestClient.ConnectAsync(cluster[1]);
        await subscriber.JoinAsync("news");
        await using var flood = await TestClient.RegisterAsync(cluster[0], "FFFFFF");
        await StalledReceiver.FillAsync(flood);

        for (var i = 1; i <= 5; i++)
        {
            await subscriber.UpstreamAsync("news", $"{i}");
        }

        Assert.Equal(5, cluster[1].Get<ChannelTable>().Counts().Waiting);
        for (var i = 1; i <= 5; i++)
        {
            Assert.Contains($"\"message\":{i},", await owner.ReadUntilAsync("upstream-message"), StringComparison.Ordinal);
        }

        await Eventually.TrueAsync(() => cluster[1].Get<ChannelTable>().Counts() is { Waiting: 0, UpstreamDropped: 0 }, "nothing waits");
    }

    [Fact]
    public async Task Messages_ThatNoRelaySends_AreCountedAndIgnored()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        var (bus, hostile) = (cluster[0].Get<ClusterBus>(), cluster[1].Get<ClusterBus>());
        var subject = cluster[1].Get<ClusterSubjects>().Node(cluster[0].Get<ClusterNode>().Epoch, ChannelBus.Matter);
        var good = ChannelClient.Upstream("news", "1");
        Envelope[] invalid =
        [
            Upstream(good, upstream => upstream.Number = 0),
            Upstream(good, upstream => upstream.Address = null),
            Upstream(""),
            Upstream("{}"),
            Upstream(good + "1"),
            Upstream(ChannelClient.Upstream("", "1")),
            Upstream(ChannelClient.Upstream(new string('c', 257), "1")),
            Upstream(ChannelClient.Upstream("news", "null")),
            Upstream(good.Replace("upstream-message", "stream-start", StringComparison.Ordinal)),
            Upstream(good.Replace("\"key\"", "1", StringComparison.Ordinal)),
            Upstream(ChannelClient.Upstream("news", $"\"{new string('x', 300_000)}\"")),
            new() { ChannelMembers = new ChannelMembers() },
        ];
        Assert.All(invalid, message => Assert.True(hostile.TrySend(subject, message)));
        Assert.True(hostile.TrySend(
            cluster[1].Get<ClusterNames>().Subject(NameKind.Channel, "news"), new Envelope { ChannelMembers = new ChannelMembers { Subscribers = uint.MaxValue } }));
        await Eventually.TrueAsync(() => bus.Counts.Refused == invalid.Length + 1, "all that is wrong was counted");
        await owner.ExpectNothingAsync();

        // For a channel of nobody; and one that comes twice.
        Assert.Equal(Result.NotOwned, await AskAsync(Upstream(ChannelClient.Upstream("other", "1"))));
        Assert.Equal(Result.Taken, await AskAsync(Upstream(good)));
        Assert.Equal(Result.Taken, await AskAsync(Upstream(good)));
        await owner.ExpectUpstreamAsync("1");
        await owner.ExpectNothingAsync();

        async Task<Result?> AskAsync(Envelope message) => (await hostile.AskAsync(subject, message)).Message?.UpstreamAnswer.Result;
    }

    private static Envelope Upstream(string message, Action<Upstream>? change = null)
    {
        var upstream = new Upstream
        {
            Number = 7,
            Address = new ClientAddress { Low = 1, Bits = 32 },
            Message = ByteString.CopyFromUtf8(message),
        };
        change?.Invoke(upstream);
        return new Envelope { Upstream = upstream };
    }
}
