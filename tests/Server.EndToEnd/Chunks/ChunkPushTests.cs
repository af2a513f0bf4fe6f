using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Chunks;

/// <summary>Who may push what: nobody fills the cache with what is not its own.</summary>
[Trait("Clients", "Spread")]
public sealed class ChunkPushTests
{
    private const string NotASource = "Not a source of this chunk";

    /// <summary>In the reference network an announcement was believed for any peerId.</summary>
    [Fact]
    public async Task Announce_ForAnother_IsRefused()
    {
        await using var server = await RelayServer.StartAsync();
        await using var victim = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var attacker = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var unregistered = await TestClient.ConnectAsync(server);
        const string Announcement = """{"type":"chunk_announce","peerId":"AAAAAA","chunks":[{"chunkId":"a"}]}""";
        await attacker.SendAsync(Announcement);
        await attacker.ExpectErrorAsync("peerId mismatch with registered identity");
        await unregistered.SendAsync(Announcement);
        await unregistered.ExpectErrorAsync("Not registered. Send register message first.");
        Assert.Equal(default, server.Chunks());

        await victim.SendAsync(Announcement);
        await victim.ExpectAsync("chunk_announce_ack");
    }

    /// <summary>In the reference network a push was taken from anybody, for any chunk and channel.</summary>
    [Fact]
    public async Task Push_ByNobodyWhoHasIt_IsRefused()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var attacker = await TestClient.RegisterAsync(server, "BBBBBB");
        await owner.OwnAsync("news");
        await attacker.JoinAsync("news");
        await owner.AnnounceAsync("news", "a");
        await attacker.ExpectAvailableAsync("news", "a");
        await attacker.OwnAsync("spam");

        // Known, unknown, kept.
        await owner.PushedAsync("kept", "1");
        foreach (var (chunk, channel) in new (string, string)[] { ("a", "news"), ("b", "news"), ("kept", "news") })
        {
            await attacker.PushChunkAsync(chunk, "\"poison\"", channel);
            await attacker.ExpectErrorAsync(NotASource);
        }

        // In a channel of one's own the same id is another chunk.
        await attacker.PushedAsync("kept", "\"poison\"", "spam");
        await attacker.ExpectCachedAsync("kept", "1");
    }

    /// <summary>In the reference network kept content was overwritten by anybody.</summary>
    [Fact]
    public async Task Push_OtherBytesThanAreKept_AreTakenFromTheChannelsOwnerOnly()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var other = await TestClient.RegisterAsync(server, "BBBBBB");
        await owner.OwnAsync("news");
        await owner.PushedAsync("a", """{"v":1}""");
        await other.AnnounceAsync("news", "a");
        foreach (var data in (string[])["""{"v":2}""", """{"v": 1}""", "\"x\""])
        {
            await other.PushChunkAsync("a", data);
            await other.ExpectChunkErrorAsync("a", "Chunk already cached");
        }

        await other.PushedAsync("a", """{"v":1}""");
        await other.ExpectCachedAsync("a", """{"v":1}""");
        await owner.PushedAsync("a", """{"v":2}""");
        await other.ExpectCachedAsync("a", """{"v":2}""");
        Assert.Equal((1, 7), (server.Chunks().Cached, server.Chunks().CachedBytes));
    }

    [Fact]
    public async Task Push_ByTheChannelsOwner_NeedsNoAnnouncement()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var other = await TestClient.RegisterAsync(server, "BBBBBB");
        await owner.OwnAsync("news");
        await owner.PushedAsync("a", "1");
        Assert.Equal(1, server.Chunks().Sources);
        await other.ExpectCachedAsync("a", "1");
    }

    [Fact]
    public async Task Push_InAnswerToAPull_IsTakenThoughTheAnnouncementWasForgotten()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Chunks.AnnouncedPerSocket = 100);
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var reader = await TestClient.RegisterAsync(server, "BBBBBB");
        await source.AnnounceAsync("news", "a");
        await reader.WaitForChunkAsync("a");
        await source.ExpectPullAsync("a");
        await source.AnnounceAsync("news", [.. Enumerable.Range(0, 100).Select(i => $"{i}")]);
        await source.PushedAsync("a", "1", served: 1);
        await reader.ExpectChunkAsync("a", "1", "relay");
    }

    /// <summary>A chunk announced for a channel is that channel's, whoever said so first: its owner may always push.</summary>
    [Fact]
    public async Task Push_ByTheOwner_PutsRightWhatASourcePushedBefore()
    {
        await using var server = await RelayServer.StartAsync();
        await using var attacker = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var owner = await TestClient.RegisterAsync(server, "BBBBBB");
        await owner.OwnAsync("news");
        await attacker.AnnounceAsync("news", "a");
        await attacker.PushedAsync("a", "\"poison\"");
        await owner.PushedAsync("a", "\"real\"");
        await attacker.PushChunkAsync("a", "\"poison\"");
        await attacker.ExpectChunkErrorAsync("a", "Chunk already cached");
        await owner.ExpectCachedAsync("a", "\"real\"");
    }

    /// <summary>Many sources push different bytes at once: one of them is kept, in memory and on the disk alike.</summary>
    [Fact]
    public async Task Push_ManySourcesAtOnce_OneIsKept()
    {
        TestCluster.SkipWhereSpread("of pushes at the same moment the last one written stays, and each relay acknowledges its own");
        await using var server = await RelayServer.StartAsync();
        var sources = new List<TestClient>();
        foreach (var letter in "ABCDEFGH")
        {
            sources.Add(await TestClient.RegisterAsync(server, new string(letter, 6)));
            await sources[^1].AnnounceAsync("news", "a");
        }

        await Task.WhenAll(sources.Select((source, i) => source.PushChunkAsync("a", $"{i}")));
        var kept = new List<int>();
        for (var i = 0; i < sources.Count; i++)
        {
            if ((await sources[i].ReceiveTextAsync()).Contains("chunk_push_ack", StringComparison.Ordinal))
            {
                kept.Add(i);
            }
        }

        await sources[0].ExpectCachedAsync("a", $"{Assert.Single(kept)}");
        sources.ForEach(source => source.Socket.Abort());
        await server.LiveIsAsync(0);
        Assert.Equal((1, 1, 0), (server.Chunks().Cached, server.Chunks().Known, server.Chunks().Sources));
        sources.ForEach(source => source.Socket.Dispose());
    }
}
