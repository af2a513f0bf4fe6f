using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Cluster;

/// <summary>Chunks that clients of one relay have and clients of another want.</summary>
public sealed class ChunksAcrossRelaysTests
{
    [Fact]
    public async Task Pull_SourceAtAnotherRelay_IsAskedOnceForAllWhoWait()
    {
        await using var cluster = await StartAsync(3);
        await using var source = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[0], "CCCCCC");
        await using var c = await TestClient.RegisterAsync(cluster[2], "DDDDDD");
        await source.AnnounceAsync("news", "c");
        await a.WaitForChunkAsync("c");
        await source.ExpectPullAsync("c");
        await b.WaitForChunkAsync("c");
        await c.WaitForChunkAsync("c");
        await Eventually.TrueAsync(() => cluster[1].Get<ClusterBus>().Traffic.All().Single(row => row is ("received", "chunk_question", _, _)).Messages >= 4, "both have asked");

        await source.PushChunkAsync("c", "[1,\"x\"]");
        await a.ExpectChunkAsync("c", "[1,\"x\"]", "relay");
        await b.ExpectChunkAsync("c", "[1,\"x\"]", "relay");
        await c.ExpectChunkAsync("c", "[1,\"x\"]", "relay");

        // Each other relay that waited counts once.
        await source.ExpectPushAckAsync("c", served: 2);
        await source.ExpectNothingAsync();

        // It is in the database of all.
        await c.ExpectCachedAsync("c", "[1,\"x\"]");
        await a.ExpectCachedAsync("c", "[1,\"x\"]");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(0, cluster[i].Chunks().Pulls);
        }
    }

    [Fact]
    public async Task Pull_NobodyHasIt_IsSaidAtOnce()
    {
        await using var cluster = await StartAsync(3);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await b.AnnounceAsync("sport", "c");
        await a.RequestChunkAsync("c");
        await a.ExpectChunkErrorAsync("c");

        // In every channel.
        await b.AnnounceAsync(null, "c");
        await a.WaitForChunkAsync("c");
        await b.ExpectPullAsync("c");
        await cluster.Nats.KillAsync();
        await Eventually.TrueAsync(() => !cluster[0].Get<ClusterBus>().IsUp, "it has noticed");
        await using var d = await TestClient.RegisterAsync(cluster[0], "DDDDDD");
        await d.RequestChunkAsync("other");
        await d.ExpectChunkErrorAsync("other");
    }

    [Fact]
    public async Task Pull_OwnerOfTheChannelIsASource_IsAskedFirst()
    {
        await using var cluster = await StartAsync(3);
        await using var source = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await using var owner = await TestClient.RegisterAsync(cluster[2], "CCCCCC");
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await owner.OwnAsync("news");
        for (var i = 0; i < 10; i++)
        {
            await source.AnnounceAsync("news", $"c{i}");
            await owner.AnnounceAsync("news", $"c{i}");
            await a.WaitForChunkAsync($"c{i}");
            await owner.ExpectPullAsync($"c{i}");
        }

        await source.ExpectNothingAsync();
    }

    [Fact]
    public async Task Pull_SourcesLeave_OthersAreAskedAndThenItIsSaid()
    {
        await using var cluster = await StartAsync(3);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        var sources = new[] { await TestClient.RegisterAsync(cluster[1], "BBBBBB"), await TestClient.RegisterAsync(cluster[2], "CCCCCC") };
        foreach (var source in sources)
        {
            await source.AnnounceAsync("news", "c");
        }

        await a.WaitForChunkAsync("c");
        var asked = new[] { sources[0].ReceiveTextAsync(), sources[1].ReceiveTextAsync() };
        var first = Array.IndexOf(asked, await Task.WhenAny(asked));
        await sources[first].CloseAsync();
        Assert.Equal("""{"type":"chunk_pull","chunkId":"c","channelId":"news"}""", await asked[1 - first]);
        await a.ExpectNothingAsync();
        await sources[1 - first].CloseAsync();
        await a.ExpectChunkErrorAsync("c");
        Assert.Equal(0, cluster[0].Chunks().Pulls);
        foreach (var source in sources)
        {
            await source.DisposeAsync();
        }
    }

    [Fact]
    public async Task Pull_LastSourceOfTheRelayLeaves_AnothersIsAsked()
    {
        await using var cluster = await StartAsync(2);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[0], "BBBBBB");
        await using var near = await TestClient.RegisterAsync(cluster[0], "CCCCCC");
        await using var far = await TestClient.RegisterAsync(cluster[1], "DDDDDD");
        await near.AnnounceAsync("news", "c");
        await far.AnnounceAsync("news", "c");
        await a.WaitForChunkAsync("c");
        await near.ExpectPullAsync("c");
        await b.WaitForChunkAsync("c");

        await near.CloseAsync();
        await far.ExpectPullAsync("c");
        await far.PushChunkAsync("c", "1");
        await a.ExpectChunkAsync("c", "1", "relay");
        await b.ExpectChunkAsync("c", "1", "relay");
    }

    [Fact]
    public async Task Push_OfWhatAnotherRelayKeeps_ReplacesNothing()
    {
        await using var cluster = await StartAsync(2);
        await using var owner = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var source = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await owner.OwnAsync("news");
        await owner.PushedAsync("c", "1");
        await source.AnnounceAsync("news", "c");

        await source.PushChunkAsync("c", "2");
        await source.ExpectChunkErrorAsync("c", "Chunk already cached");
        await source.PushedAsync("c", "1");
        await owner.ExpectCachedAsync("c", "1");
    }

    [Fact]
    public async Task Pull_RelayOfTheSourceIsKilled_IsSaidSoon()
    {
        await using var cluster = await RelayCluster.StartAsync(1);
        await using var lost = await RelayProcess.StartAsync(cluster.Arguments("lost"));
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Count == 1, "they know each other");
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var source = await TestClient.RegisterAsync(lost.Port, "BBBBBB");
        await source.AnnounceAsync("news", "c");
        await a.WaitForChunkAsync("c");
        await source.ExpectPullAsync("c");

        await lost.KillAsync();
        await a.ExpectChunkErrorAsync("c");
    }

    /// <summary>Whoever brings it first, at whichever relay.</summary>
    [Fact]
    public async Task Push_AtAThirdRelay_ServesWhoWaitsForAnother()
    {
        await using var cluster = await StartAsync(3);
        await using var silent = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await using var owner = await TestClient.RegisterAsync(cluster[2], "CCCCCC");
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await silent.AnnounceAsync("news", "c");
        await a.WaitForChunkAsync("c");
        await silent.ExpectPullAsync("c");

        await owner.OwnAsync("news");
        await owner.PushedAsync("c", "\"owner's\"");
        await a.ExpectChunkAsync("c", "\"owner's\"", "relay");
        await Eventually.TrueAsync(() => cluster[0].Chunks().Pulls + cluster[1].Chunks().Pulls == 0, "nobody waits any more");

        // Too late, and other bytes than the owner's.
        await silent.PushChunkAsync("c", "\"mine\"");
        await a.ExpectNothingAsync();
        await a.ExpectCachedAsync("c", "\"owner's\"");
    }

    /// <summary>It is waited for, and then not any more.</summary>
    [Fact]
    public async Task Pull_OneRelayIsStopped_OthersHaveIt()
    {
        await using var cluster = await RelayCluster.StartAsync(2);
        await using var stopped = await RelayProcess.StartAsync(cluster.Arguments("stopped"));
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Count == 2, "they know each other");
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var source = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await source.AnnounceAsync("news", "c");
        await stopped.SignalAsync("STOP");
        await a.WaitForChunkAsync("c");
        await source.ExpectPullAsync("c");

        await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Count == 1, "it is silent");
        var silent = cluster[0].Get<Questions>().Silent;
        await a.RequestChunkAsync("d");
        await a.ExpectChunkErrorAsync("d");
        Assert.Equal(silent, cluster[0].Get<Questions>().Silent);
        await stopped.SignalAsync("CONT");
    }

    [Fact]
    public async Task Announced_AtOneRelay_SubscribersOfAllHearItMerged()
    {
        await using var cluster = await StartAsync(3);
        await using var owner = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "CCCCCC");
        await using var stranger = await TestClient.RegisterAsync(cluster[2], "DDDDDD");
        await owner.OwnAsync("news");
        await a.JoinAsync("news");
        await b.JoinAsync("news");

        await owner.AnnounceAsync("news", "c1", "c2");
        await a.ExpectAvailableAsync("news", "c1", "c2");
        await b.ExpectAvailableAsync("news", "c1", "c2");

        // Within the second: together, once.
        await owner.AnnounceAsync("news", "c3");
        await owner.AnnounceAsync("news", "c4", "c3");
        await b.ExpectAvailableAsync("news", "c3", "c4");
        await a.ExpectAvailableAsync("news", "c3", "c4");

        // A subscriber's own reach the others, and not itself; those of no member reach nobody.
        await a.AnnounceAsync("news", "c5");
        await stranger.AnnounceAsync("news", "c6");
        await b.ExpectAvailableAsync("news", "c5");
        await a.ExpectNothingAsync();
        await owner.ExpectNothingAsync();
    }

    [Fact]
    public async Task Kept_ByAnotherRelay_NewSubscribersAreTold()
    {
        await using var cluster = await StartAsync(2);
        await using var owner = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await owner.OwnAsync("news");
        await owner.PushedAsync("c1", "1");
        await owner.PushedAsync("c2", "2");

        await a.SubscribeAsync("news");
        await a.ExpectAvailableAsync("news", "c2", "c1");
        await a.ExpectCachedAsync("c1", "1");
    }

    [Fact]
    public async Task Messages_ThatNoRelaySends_AreCountedAndIgnored()
    {
        await using var cluster = await StartAsync(2);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await a.JoinAsync("news");
        await a.AnnounceAsync("news", "c");
        var (bus, hostile) = (cluster[0].Get<ClusterBus>(), cluster[1].Get<ClusterBus>());
        var subjects = cluster[1].Get<ClusterSubjects>();
        var node = subjects.Node(cluster[0].Get<ClusterNode>().Epoch, "chunks");
        var address = new ClientAddress { Low = 1, Bits = 32 };
        var tooLong = new string('x', 257);

        var toNode = new[]
        {
            new Envelope { ChunkQuestion = new ChunkQuestion { ChannelId = "", ChunkId = "c" } },
            new Envelope { ChunkQuestion = new ChunkQuestion { ChannelId = "news", ChunkId = tooLong } },
            new Envelope { ChunkQuestion = new ChunkQuestion { ChannelId = "news", ChunkId = "c", Pull = true } },
            new Envelope { ChunkPushed = new ChunkPushed { ChannelId = tooLong, ChunkId = "c" } },
            new Envelope { ClientLeft = new ClientLeft { Session = 1 } },
        };
        var toChannel = new[]
        {
            new Envelope { ChunksAnnounced = new ChunksAnnounced { ChunkIds = { "c" } } },
            new Envelope { ChunksAnnounced = new ChunksAnnounced { Address = address } },
            new Envelope { ChunksAnnounced = new ChunksAnnounced { ChunkIds = { "c", "" }, Address = address } },
            new Envelope { ChunksAnnounced = new ChunksAnnounced { ChunkIds = { tooLong }, Address = address } },
            new Envelope { ChunksAnnounced = new ChunksAnnounced { ChunkIds = { Enumerable.Repeat("c", 20_000) }, Address = address } },
        };
        foreach (var message in toNode)
        {
            Assert.True(hostile.TrySend(node, message));
        }

        foreach (var message in toChannel)
        {
            Assert.True(cluster[1].Get<Relay.Channels.ChannelBus>().Publish("news", message));
        }

        await Eventually.TrueAsync(() => bus.Counts.Refused == toNode.Length + toChannel.Length, "all that is wrong was counted");

        // Of nothing that is here.
        Assert.True(hostile.TrySend(node, new Envelope { ChunkPushed = new ChunkPushed { ChannelId = "news", ChunkId = "c" } }));
        var none = await hostile.AskAsync(node, new Envelope { ChunkQuestion = new ChunkQuestion { ChannelId = "news", ChunkId = "d", Pull = true, Address = address } });
        Assert.Equal(ChunkAnswer.Types.Result.None, none.Message!.ChunkAnswer.Result);
        var here = await hostile.AskAsync(node, new Envelope { ChunkQuestion = new ChunkQuestion { ChannelId = "news", ChunkId = "c" } });
        Assert.Equal(ChunkAnswer.Types.Result.Source, here.Message!.ChunkAnswer.Result);
        await a.ExpectNothingAsync();
    }

    private static async Task<RelayCluster> StartAsync(int relays)
    {
        var cluster = await RelayCluster.StartAsync(relays);
        for (var i = 0; i < relays; i++)
        {
            var nodes = cluster[i].Get<ClusterNodes>();
            await Eventually.TrueAsync(() => nodes.Count == relays - 1, "they know each other");
        }

        return cluster;
    }
}
