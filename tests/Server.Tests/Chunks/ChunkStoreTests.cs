using System.Text;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Chunks;
using Relay.Clients;
using Relay.TestKit;
using Server.Tests.Storage;

namespace Server.Tests.Chunks;

/// <summary>The rows of kept chunks: on each database, and of two relays on one.</summary>
public sealed class ChunkStoreTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));
    private readonly ChunkOptions _options = new();

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Write_AnyTextAndBytes_IsReadAndLoadedAsItWas(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(time: _time, engine: engine);
        var store = Store(test);
        byte[] data = [0, 1, 2, 0, 255];
        var content = Content(store, 1, "a\0😀", "news\0", "digest");

        Assert.True(await store.TryWriteAsync(content, data));
        Assert.Equal(data, await store.TryReadAsync(content));
        Assert.Equal(
            [new StoredChunk(content.Row, "a\0😀", "news\0", "digest", 5, TimeSpan.Zero, content.Holder)], await store.LoadAsync());
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Write_SameChunkAgain_LeavesTheLaterOne(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(time: _time, engine: engine);
        var store = Store(test);
        var (earlier, later, other) = (Content(store, 1, "a", "news", "old"), Content(store, 2, "a", "news", "new"), Content(store, 3, "a", "sport", "x"));
        await store.TryWriteAsync(earlier, [1]);
        await store.TryWriteAsync(other, [3]);
        await store.TryWriteAsync(later, [2]);

        Assert.Null(await store.TryReadAsync(earlier));
        Assert.Equal([2], await store.TryReadAsync(later));
        Assert.True(await store.TryDeleteAsync([earlier.Row, other.Row]));
        Assert.Equal(later.Row, Assert.Single(await store.LoadAsync()).Row);
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Load_RefreshedRow_IsTheYoungest(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(time: _time, engine: engine);
        var store = Store(test);
        var (first, second) = (Content(store, 1, "a", "news", "a"), Content(store, 2, "b", "news", "b"));
        await store.TryWriteAsync(first, [1]);
        await store.TryWriteAsync(second, [2]);
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.True(await store.TryRefreshAsync(first));
        Assert.False(await store.TryRefreshAsync(Content(store, 3, "c", "news", "c")));

        Assert.Equal([("b", 7), ("a", 0)], (await store.LoadAsync()).Select(row => (row.ChunkId, (int)row.Age.TotalSeconds)));
    }

    /// <summary>Rows of two starts never have one number, and each relay deletes its own only.</summary>
    [Fact]
    public async Task TwoRelays_FindAndReplaceEachOthersChunks()
    {
        await using var one = await TestDatabase.StartAsync(time: _time, engine: Engine.Postgres);
        await using var two = await one.JoinAsync();
        var (first, second) = (Store(one), Store(two));
        var kept = Content(first, 1, "a", "news", "a");
        await first.TryWriteAsync(kept, [1]);

        var found = await second.TryFindAsync("news", "a");
        Assert.Equal(kept.Row, found?.Row);
        Assert.Null(await second.TryFindAsync("news", "b"));
        await second.TryDeleteAsync([kept.Row]);
        Assert.Equal([1], await first.TryReadAsync(kept));

        var newer = Content(second, 1, "a", "news", "b");
        Assert.NotEqual(kept.Row, newer.Row);
        await second.TryWriteAsync(newer, [2]);
        Assert.Null(await first.TryReadAsync(kept));
        Assert.Equal(newer.Row, (await first.TryFindAsync("news", "a"))?.Row);
    }

    [Fact]
    public async Task TwoRelays_WriteTheSameChunksAtOnce_NoneFails()
    {
        await using var one = await TestDatabase.StartAsync(time: _time, engine: Engine.Postgres);
        await using var two = await one.JoinAsync();
        ChunkStore[] stores = [Store(one), Store(two)];
        var written = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Task.Run(() =>
            stores[i % 2].TryWriteAsync(Content(stores[i % 2], i, $"{i / 6}", "news", "d"), Encoding.UTF8.GetBytes($"{i}"))))).WaitAsync(
                TestDatabase.Patience * 3, TestContext.Current.CancellationToken);

        Assert.All(written, Assert.True);
        Assert.Equal(10, (await stores[0].LoadAsync()).Count);
        Assert.Equal((0L, 0L), (one.Database.Failures, two.Database.Failures));
    }

    [Fact]
    public async Task DeleteExpired_RowsOfARelayThatIsGone_AreDeleted()
    {
        await using var one = await TestDatabase.StartAsync(time: _time, engine: Engine.Postgres);
        var first = Store(one);
        for (var i = 1; i <= ChunkStore.DeleteBatch + 10; i++)
        {
            await first.TryWriteAsync(Content(first, i, $"{i}", "news", "d"), [1]);
        }

        await using var two = await one.JoinAsync();
        var second = Store(two);
        _time.Advance(_options.CacheLifetime - TimeSpan.FromSeconds(1));
        await second.TryWriteAsync(Content(second, 1, "young", "news", "d"), [1]);
        await second.DeleteExpiredAsync(TestContext.Current.CancellationToken);
        Assert.Equal(ChunkStore.DeleteBatch + 11, (await second.LoadAsync()).Count);
        _time.Advance(TimeSpan.FromSeconds(1));
        await second.DeleteExpiredAsync(TestContext.Current.CancellationToken);
        Assert.Equal("young", Assert.Single(await second.LoadAsync()).ChunkId);
    }

    [Fact]
    public async Task ServerAway_EachAnswersWithAValue()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var test = await TestDatabase.StartAsync(await server.CreateDatabaseAsync());
        var store = Store(test);
        var content = Content(store, 1, "a", "news", "d");
        await server.KillAsync();

        Assert.False(await store.TryWriteAsync(content, [1]));
        Assert.Null(await store.TryReadAsync(content));
        Assert.Null(await store.TryFindAsync("news", "a"));
        Assert.False(await store.TryRefreshAsync(content));
        Assert.False(await store.TryDeleteAsync([1]));
        await store.DeleteExpiredAsync(TestContext.Current.CancellationToken);
    }

    private ChunkStore Store(TestDatabase test) => new(test.Database, _options, _time);

    private static CachedChunk Content(ChunkStore store, long number, string id, string channel, string digest) =>
        new(new Chunk(new ChunkKey(channel, id)), store.FirstRow + number, digest, 1, 0, IpKey.FromIpv4(7), writer: new Client(null!));
}
