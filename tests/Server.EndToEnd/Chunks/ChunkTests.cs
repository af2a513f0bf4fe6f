using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Chunks;

/// <summary>Who has chunks, who hears of it, and how they travel (docs/protocol.md, Chunks).</summary>
[Trait("Clients", "Spread")]
public sealed class ChunkTests
{
    [Fact]
    public async Task Announce_ByOwnerOrSubscriber_TellsTheOtherSubscribers()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var first = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var second = await TestClient.RegisterAsync(server, "CCCCCC");
        await owner.OwnAsync("news");
        await first.JoinAsync("news");
        await second.JoinAsync("news");

        await owner.AnnounceAsync("news", "a", "b");
        await first.ExpectAvailableAsync("news", "a", "b");
        await second.ExpectAvailableAsync("news", "a", "b");

        await first.AnnounceAsync("news", "b", "c");
        await second.ExpectAvailableAsync("news", "b", "c");
        await first.ExpectNothingAsync();
        await owner.ExpectNothingAsync();
    }

    [Fact]
    public async Task Announce_ByAStrangerToTheChannel_TellsNobody()
    {
        await using var server = await RelayServer.StartAsync();
        await using var stranger = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var subscriber = await TestClient.RegisterAsync(server, "BBBBBB");
        await subscriber.SubscribeAsync("news");
        await stranger.AnnounceAsync("news", "a");
        await subscriber.ExpectNothingAsync();

        // It is a source all the same: who knows of the chunk gets it.
        await subscriber.WaitForChunkAsync("a");
        await stranger.ExpectPullAsync("a");
    }

    [Fact]
    public async Task Announce_SameIdInTwoChannels_AreTwoChunks()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var other = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var subscriber = await TestClient.RegisterAsync(server, "CCCCCC");
        await owner.AnnounceAsync("news", "a");
        await other.OwnAsync("spam");
        await subscriber.JoinAsync("spam");
        await other.AnnounceAsync("spam", "a");
        await subscriber.ExpectAvailableAsync("spam", "a");
        await other.PushedAsync("a", "\"spam\"", "spam");
        await subscriber.ExpectCachedAsync("a", "\"spam\"", "spam");
        await subscriber.WaitForChunkAsync("a", "news");
        await owner.ExpectPullAsync("a", "news");
        await owner.PushedAsync("a", "\"news\"", "news", served: 1);
        await subscriber.ExpectChunkAsync("a", "\"news\"", "relay", "news");
    }

    [Fact]
    public async Task Request_SeveralWait_OnePullServesAll()
    {
        TestCluster.SkipWhereSpread("another relay that waits counts as one that was served");
        await using var server = await RelayServer.StartAsync();
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var first = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var second = await TestClient.RegisterAsync(server, "CCCCCC");
        await source.AnnounceAsync("news", "a");
        await first.WaitForChunkAsync("a");
        await second.WaitForChunkAsync("a");
        await source.ExpectPullAsync("a");
        await source.ExpectNothingAsync();

        await source.PushedAsync("a", "\"hello\"", served: 2);
        await first.ExpectChunkAsync("a", "\"hello\"", "relay");
        await second.ExpectChunkAsync("a", "\"hello\"", "relay");
        await first.ExpectNothingAsync();
        await second.ExpectNothingAsync();
        Assert.Equal(0, server.Chunks().Pulls);
    }

    [Fact]
    public async Task Request_NobodyElseHasIt_IsAChunkError()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await client.RequestChunkAsync("a");
        await client.ExpectChunkErrorAsync("a");
        await client.AnnounceAsync("news", "a");
        await client.RequestChunkAsync("a");
        await client.ExpectChunkErrorAsync("a");
        Assert.Equal((1, 0), (server.Chunks().Known, server.Chunks().Pulls));
    }

    [Fact]
    public async Task Request_SeveralSources_AreAskedInTurn()
    {
        TestCluster.SkipWhereSpread("each asks its own clients first");
        await using var server = await RelayServer.StartAsync();
        await using var first = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var second = await TestClient.RegisterAsync(server, "BBBBBB");
        await first.AnnounceAsync("news", "a");
        await second.AnnounceAsync("news", "a");
        foreach (var source in (TestClient[])[first, second, first])
        {
            await using var reader = await TestClient.RegisterAsync(server, "CCCCCC");
            await reader.WaitForChunkAsync("a");
            await source.ExpectPullAsync("a");
            await reader.CloseAsync();
            await Eventually.TrueAsync(() => server.Chunks().Pulls == 0, "the pull has ended");
            await server.LiveIsAsync(2);
        }
    }

    [Fact]
    public async Task Subscribe_ChunksAreKept_HearsOfThoseOfTheChannelLastPushedFirst()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var subscriber = await TestClient.RegisterAsync(server, "BBBBBB");
        await owner.OwnAsync("news");
        await owner.OwnAsync("sport");
        await owner.PushedAsync("a", "1");
        await owner.PushedAsync("b", "2");
        await owner.PushedAsync("c", "3", "sport");
        await owner.AnnounceAsync("news", "announced only");

        await subscriber.SubscribeAsync("news");
        await subscriber.ExpectAvailableAsync("news", "b", "a");
        await subscriber.SubscribeAsync("weather");
        await subscriber.ExpectNothingAsync();
    }

    [Fact]
    public async Task Announce_MoreThanTheCap_ForgetsTheOldest()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Chunks.AnnouncedPerSocket = 100);
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var reader = await TestClient.RegisterAsync(server, "BBBBBB");
        await source.AnnounceAsync(null, [.. Enumerable.Range(0, 100).Select(i => $"{i}")]);
        await source.AnnounceAsync(null, "0");
        await source.AnnounceAsync(null, "100");
        Assert.Equal((100, 100), (server.Chunks().Sources, server.Chunks().Known));
        await reader.RequestChunkAsync("1");
        await reader.ExpectChunkErrorAsync("1");
        await reader.WaitForChunkAsync("0");
        await source.ExpectPullAsync("0");
    }
}
