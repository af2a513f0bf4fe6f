using System.Data.Common;
using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;
using Relay.Storage;

namespace Relay.EndToEnd.Chunks;

/// <summary>What is kept on the disk: for how long, over a restart, and what happens when the disk fails.</summary>
[Trait("Clients", "Spread")]
public sealed class ChunkCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-chunks-").FullName;
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task Restart_ChunksAreStillServedAndStillBelongToTheirChannel()
    {
        TestCluster.SkipWhereSpread("these relays' database does not outlive them");
        await using (var server = await StartAsync())
        {
            await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
            await owner.OwnAsync("news");
            await owner.PushedAsync("a", """{"v":1}""");
            await owner.PushedAsync("a", """{"v":2}""");
            await owner.PushedAsync("b", "\"text\"");
        }

        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.RegisterAsync(server, "BBBBBB");
            await client.SubscribeAsync("news");
            await client.ExpectAvailableAsync("news", "b", "a");
            await client.ExpectCachedAsync("a", """{"v":2}""");
            await client.ExpectCachedAsync("b", "\"text\"");

            // The bytes are compared with what was kept before.
            await client.AnnounceAsync("news", "a");
            await client.PushChunkAsync("a", """{"v":1}""");
            await client.ExpectChunkErrorAsync("a", "Chunk already cached");
            await client.PushedAsync("a", """{"v":2}""");
            Assert.Equal((2, 13), (server.Chunks().Cached, server.Chunks().CachedBytes));
        }
    }

    [Fact]
    public async Task Restart_LifeIsOver_ChunksAndTheirRowsAreGone()
    {
        TestCluster.SkipWhereSpread("these relays' database does not outlive them");
        await using (var server = await StartAsync())
        {
            await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
            await owner.OwnAsync("news");
            await owner.PushedAsync("a", "1");
            _time.Advance(TimeSpan.FromMinutes(20));
            await owner.PushedAsync("b", "2");
        }

        _time.Advance(TimeSpan.FromMinutes(10));
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.RegisterAsync(server, "BBBBBB");
            await client.RequestChunkAsync("a");
            await client.ExpectChunkErrorAsync("a");
            await client.ExpectCachedAsync("b", "2");
            await RowsAreAsync(server, 1);
            _time.Advance(TimeSpan.FromMinutes(20));
            await RowsAreAsync(server, 0);
            Assert.Equal((0, 0, 0), (server.Chunks().Cached, server.Chunks().CachedBytes, server.Chunks().Known));
        }
    }

    [Fact]
    public async Task Push_TheSameAgain_BeginsItsLifeAnewOverARestartToo()
    {
        TestCluster.SkipWhereSpread("these relays' database does not outlive them");
        await using (var server = await StartAsync())
        {
            await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
            await owner.OwnAsync("news");
            await owner.PushedAsync("a", "1");
            _time.Advance(TimeSpan.FromMinutes(20));
            await owner.PushedAsync("a", "1");
            _time.Advance(TimeSpan.FromMinutes(20));
            await owner.ExpectCachedAsync("a", "1");
        }

        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.RegisterAsync(server, "BBBBBB");
            await client.ExpectCachedAsync("a", "1");
            _time.Advance(TimeSpan.FromMinutes(10));
            await client.RequestChunkAsync("a");
            await client.ExpectChunkErrorAsync("a");
        }
    }

    [Fact]
    public async Task Cache_IsFull_TheOneUsedLongestAgoMakesRoomOnTheDiskToo()
    {
        await using var server = await StartAsync(cacheChunks: 2);
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await owner.OwnAsync("news");
        await owner.PushedAsync("a", "1");
        await owner.PushedAsync("b", "2");
        await owner.ExpectCachedAsync("a", "1");
        await owner.PushedAsync("c", "3");
        await owner.ExpectCachedAsync("a", "1");
        await owner.ExpectCachedAsync("c", "3");
        await owner.RequestChunkAsync("b");
        await owner.ExpectChunkErrorAsync("b");
        await RowsAreAsync(server, 2);
    }

    [Fact]
    public async Task Row_IsGone_TheSourceIsAskedInstead()
    {
        await using var server = await StartAsync();
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var reader = await TestClient.RegisterAsync(server, "BBBBBB");
        await owner.OwnAsync("news");
        await owner.PushedAsync("a", "1");
        await ExecuteAsync(server, "DELETE FROM chunk_cache");
        await reader.WaitForChunkAsync("a");
        await owner.ExpectPullAsync("a");
        await owner.PushedAsync("a", "1", served: 1);
        await reader.ExpectChunkAsync("a", "1", "relay");
        await reader.ExpectCachedAsync("a", "1");
    }

    [Fact]
    public async Task Disk_IsFull_ChunksArePassedOnButNotKept()
    {
        TestStorage.SkipUnlessFile();
        await using var server = await StartAsync();
        server.ExpectedError = error => error.Contains("full", StringComparison.Ordinal);
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var reader = await TestClient.RegisterAsync(server, "BBBBBB");
        await source.AnnounceAsync("news", "a", "b");
        await ExecuteAsync(server, "PRAGMA max_page_count = 1");

        // Larger than what is free in the pages that the file has.
        var data = $"\"{new string('x', 60_000)}\"";
        await reader.WaitForChunkAsync("a");
        await source.ExpectPullAsync("a");
        await source.PushChunkAsync("a", data);
        await source.ExpectPushAckAsync("a", served: 1, cached: false);
        await reader.ExpectChunkAsync("a", data, "relay");
        Assert.Equal((0, 0, 2), (server.Chunks().Cached, server.Chunks().CachedBytes, server.Chunks().Known));

        await ExecuteAsync(server, "PRAGMA max_page_count = 1000000");
        await source.PushedAsync("a", data);
        await reader.ExpectCachedAsync("a", data);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<RelayServer> StartAsync(int cacheChunks = 1000) => RelayServer.StartAsync(
        settings =>
        {
            settings.Storage.File = Path.Combine(_folder, "relay.db");
            settings.Chunks.CacheChunks = cacheChunks;
            settings.Sessions.SilenceTimeout = TimeSpan.FromHours(24);
        },
        _time);

    // At every look the sweep comes once more.
    private Task RowsAreAsync(RelayServer server, long count) => Eventually.TrueAsync(
        async () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            return await server.Get<Database>().RunAsync(CountRows) == count;
        },
        $"{count} rows");

    private static long CountRows(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM chunk_cache";
        return (long)command.ExecuteScalar()!;
    }

    private static Task<int> ExecuteAsync(RelayServer server, string sql) => server.Get<Database>().RunAsync(connection =>
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    });
}
