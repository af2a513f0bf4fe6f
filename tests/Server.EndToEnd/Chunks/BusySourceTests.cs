using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;
using Relay.Sessions;

namespace Relay.EndToEnd.Chunks;

/// <summary>Sources and readers for whom too much waits.</summary>
public sealed class BusySourceTests
{
    [Fact]
    public async Task Request_SourceIsBusy_IsAnsweredAsWithoutOneAndOthersAreServed()
    {
        await using var server = await RelayServer.StartAsync(StalledReceiver.Configure, new FakeTimeProvider(DateTimeOffset.UtcNow));
        await using var source = await StalledReceiver.RegisterAsync(server);
        await source.Socket.WriteTextFrameAsync("""{"type":"chunk_announce","channelId":"news","chunks":[{"chunkId":"a"}]}""");
        Assert.Contains("chunk_announce_ack", await source.Socket.ReadTextAsync(), StringComparison.Ordinal);
        await using var attacker = await TestClient.RegisterAsync(server, "AAAAAA", "127.0.0.2");
        await StalledReceiver.FillAsync(attacker);
        await attacker.WaitForChunkAsync("a");
        await attacker.ExpectChunkErrorAsync("a");
        Assert.Equal(0, server.Chunks().Pulls);

        await using var honest = await TestClient.RegisterAsync(server, "HHHHHH", "127.0.0.9");
        await honest.WaitForChunkAsync("a");
        await source.ReadUntilAsync("chunk_pull");
        await source.Socket.WriteTextFrameAsync("""{"type":"chunk_push","chunkId":"a","channelId":"news","data":"hello"}""");
        await honest.ExpectChunkAsync("a", "\"hello\"", "relay");
    }

    /// <summary>When it gets what it has asked for, its sources decide: all at once must not close a reader.</summary>
    [Fact]
    public async Task Pushes_AllAtOnce_DoNotCloseTheReader()
    {
        const int Chunks = 40;
        await using var server = await RelayServer.StartAsync(
            settings =>
            {
                StalledReceiver.Configure(settings);
                settings.Sessions.QueueBytes = 256 * 1024;
            },
            new FakeTimeProvider(DateTimeOffset.UtcNow));
        await using var reader = await StalledReceiver.RegisterAsync(server);
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA", "127.0.0.2");
        var ids = Enumerable.Range(0, Chunks).Select(i => $"c{i}").ToArray();
        await source.AnnounceAsync("news", ids);
        foreach (var id in ids)
        {
            await reader.Socket.WriteTextFrameAsync($$"""{"type":"chunk_request","chunkId":"{{id}}","channelId":"news"}""");
            await source.ExpectPullAsync(id);
        }

        await StalledReceiver.FillAsync(source);
        foreach (var id in ids)
        {
            await source.PushChunkAsync(id, $"\"{new string('x', 60_000)}\"");
            await source.ExpectAsync("chunk_push_ack");
        }

        var served = 0;
        for (var answers = 0; answers < Chunks;)
        {
            var text = await reader.Socket.ReadTextAsync();
            served += text.Contains("chunk_data", StringComparison.Ordinal) ? 1 : 0;
            answers += text.Contains("chunk_data", StringComparison.Ordinal) || text.Contains("Too many chunk requests", StringComparison.Ordinal) ? 1 : 0;
        }

        Assert.InRange(served, 1, Chunks - 1);
        Assert.All(server.Get<SessionTable>().All, session => Assert.False(session.IsClosing));
    }

    [Fact]
    public async Task Waiters_OfOneAddress_MakeRoomForAnothers()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Chunks.WaitersPerPull = 2);
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await source.AnnounceAsync("news", "a");
        await using var first = await TestClient.RegisterAsync(server, "BBBBBB", "127.0.0.2");
        await using var second = await TestClient.RegisterAsync(server, "CCCCCC", "127.0.0.2");
        await using var third = await TestClient.RegisterAsync(server, "DDDDDD", "127.0.0.2");
        await using var honest = await TestClient.RegisterAsync(server, "HHHHHH", "127.0.0.9");
        await first.WaitForChunkAsync("a");
        await second.WaitForChunkAsync("a");
        await third.RequestChunkAsync("a");
        await third.ExpectChunkErrorAsync("a", "Too many requests for this chunk");
        await honest.WaitForChunkAsync("a");
        await second.ExpectChunkErrorAsync("a", "Too many requests for this chunk");
        await source.ExpectPullAsync("a");
        await source.PushedAsync("a", "\"hello\"", served: 2);
        await honest.ExpectChunkAsync("a", "\"hello\"", "relay");
        await first.ExpectChunkAsync("a", "\"hello\"", "relay");
    }
}
