using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Chunks;

/// <summary>Pulls end: by a push, by time, or because those whom they concern have left.</summary>
[Trait("Clients", "Spread")]
public sealed class ChunkPullTests
{
    /// <summary>In the reference network a pull whose source has died stayed for ever, and with it everybody who waited.</summary>
    [Fact]
    public async Task Source_LeavesAsTheLast_AllWhoWaitAreToldAtOnceAndMayAskAgain()
    {
        await using var server = await RelayServer.StartAsync();
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var first = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var second = await TestClient.RegisterAsync(server, "CCCCCC");
        await source.AnnounceAsync("news", "a");
        await first.WaitForChunkAsync("a");
        await second.WaitForChunkAsync("a");
        await source.ExpectPullAsync("a");

        await source.CloseAsync();
        await first.ExpectChunkErrorAsync("a");
        await second.ExpectChunkErrorAsync("a");
        Assert.Equal((0, 0), (server.Chunks().Known, server.Chunks().Pulls));

        await second.AnnounceAsync("news", "a");
        await first.WaitForChunkAsync("a");
        await second.ExpectPullAsync("a");
        await second.PushedAsync("a", "\"hello\"", served: 1);
        await first.ExpectChunkAsync("a", "\"hello\"", "relay");
    }

    /// <summary>In the reference network nobody but the dead source was ever asked.</summary>
    [Fact]
    public async Task Source_LeavesAndThereIsAnother_ThatOneIsAsked()
    {
        TestCluster.SkipWhereSpread("each asks its own clients first");
        await using var server = await RelayServer.StartAsync();
        await using var first = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var second = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var reader = await TestClient.RegisterAsync(server, "CCCCCC");
        await first.AnnounceAsync("news", "a");
        await second.AnnounceAsync("news", "a");
        await reader.WaitForChunkAsync("a");
        await first.ExpectPullAsync("a");

        first.Socket.Abort();
        await second.ExpectPullAsync("a");
        await second.PushedAsync("a", "\"hello\"", served: 1);
        await reader.ExpectChunkAsync("a", "\"hello\"", "relay");
    }

    /// <summary>Whoever waits alone is never asked for what it waits for, though it says to have it.</summary>
    [Fact]
    public async Task Source_LeavesAndOnlyTheWaiterIsLeft_TheWaiterIsTold()
    {
        await using var server = await RelayServer.StartAsync();
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var reader = await TestClient.RegisterAsync(server, "BBBBBB");
        await source.AnnounceAsync("news", "a");
        await reader.AnnounceAsync("news", "a");
        await reader.WaitForChunkAsync("a");
        await source.CloseAsync();
        await reader.ExpectChunkErrorAsync("a");
    }

    /// <summary>In the reference network requesters that left first kept the chunk in "pulling" for ever.</summary>
    [Fact]
    public async Task Requesters_AllLeave_ThePullEndsAndTheNextOneStartsAnother()
    {
        TestCluster.SkipWhereSpread("what another has asked for is pulled though nobody waits any more");
        await using var server = await RelayServer.StartAsync();
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await source.AnnounceAsync("news", "a");
        await using (var first = await TestClient.RegisterAsync(server, "BBBBBB"))
        {
            await first.WaitForChunkAsync("a");
            await source.ExpectPullAsync("a");
        }

        await Eventually.TrueAsync(() => server.Chunks().Pulls == 0, "the pull has ended");
        await using var second = await TestClient.RegisterAsync(server, "CCCCCC");
        await second.WaitForChunkAsync("a");
        await source.ExpectPullAsync("a");
        await source.PushedAsync("a", "\"hello\"", served: 1);
        await second.ExpectChunkAsync("a", "\"hello\"", "relay");
    }

    /// <summary>In the reference network nothing but a push ever ended a pull.</summary>
    [Fact]
    public async Task Source_NeverPushes_ThePullExpiresAndALatePushIsStillKept()
    {
        TestCluster.SkipWhereSpread("half a minute in one step is as if the others were silent");
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.SilenceTimeout = TimeSpan.FromHours(1), time);
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var reader = await TestClient.RegisterAsync(server, "BBBBBB");
        await source.AnnounceAsync("news", "a");
        await reader.WaitForChunkAsync("a");
        await source.ExpectPullAsync("a");

        time.Advance(TimeSpan.FromSeconds(29));
        await reader.ExpectNothingAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        await reader.ExpectChunkErrorAsync("a");
        Assert.Equal(0, server.Chunks().Pulls);

        await source.PushedAsync("a", "\"hello\"");
        await reader.ExpectCachedAsync("a", "\"hello\"");
    }

    /// <summary>In the reference network clients with a pairing code stayed among the sources after they had left, and a chunk was pulled from nobody.</summary>
    [Theory]
    [InlineData("""{"type":"register","pairingCode":"AAAAAA","publicKey":"KEY"}""")]
    [InlineData("""{"type":"register","peerId":"source","maxConnections":20}""")]
    public async Task Source_HasLeft_IsNoSourceAnyMore(string register)
    {
        await using var server = await RelayServer.StartAsync();
        await using var reader = await TestClient.RegisterAsync(server, "BBBBBB");
        await using (var source = await TestClient.ConnectAsync(server))
        {
            await source.SendAsync(register.Replace("KEY", TestClient.Key("AAAAAA"), StringComparison.Ordinal));
            await source.ExpectAsync("registered");
            await source.AnnounceAsync("news", "a", "b");
            await source.RequestChunkAsync("c");
            await source.ExpectChunkErrorAsync("c");
        }

        // The socket is gone before all that it has left is forgotten.
        await Eventually.TrueAsync(() => server.Chunks() == default, "the source is forgotten");
        await reader.RequestChunkAsync("a");
        await reader.ExpectChunkErrorAsync("a");
    }

    [Fact]
    public async Task Requests_MoreThanTheCaps_AreRefusedAndTheOthersServed()
    {
        TestCluster.SkipWhereSpread("each bounds its own waiters");
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Chunks.PullsPerSocket = 2;
            settings.Chunks.WaitersPerPull = 2;
        });
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var first = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var second = await TestClient.RegisterAsync(server, "CCCCCC");
        await using var third = await TestClient.RegisterAsync(server, "DDDDDD");
        await source.AnnounceAsync("news", "a", "b", "c");
        await first.WaitForChunkAsync("a");
        await first.WaitForChunkAsync("b");
        await first.RequestChunkAsync("c");
        await first.ExpectChunkErrorAsync("c", "Too many chunk requests");
        await second.WaitForChunkAsync("a");
        await third.RequestChunkAsync("a");
        await third.ExpectChunkErrorAsync("a", "Too many requests for this chunk");

        // A repeat takes no place.
        await first.WaitForChunkAsync("a");
        await source.ExpectPullAsync("a");
        await source.ExpectPullAsync("b");
        await source.PushedAsync("a", "1", served: 2);
        await first.ExpectChunkAsync("a", "1", "relay");
        await first.WaitForChunkAsync("c");
        Assert.Equal(2, server.Chunks().Pulls);
    }
}
