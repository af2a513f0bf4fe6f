using Microsoft.Extensions.Time.Testing;
using Relay.Chunks;
using Relay.Clients;

namespace Server.Tests.Chunks;

public sealed class ChunkTableTests
{
    private static readonly TimeSpan Young = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _time = new();
    private readonly ChunkOptions _options = new();

    [Fact]
    public void Announce_MoreThanAllTogetherMay_ForgetsTheOldestOfAll()
    {
        _options.AnnouncedTotal = 3;
        var table = new ChunkTable(_options, _time);
        var (first, second) = (new Client(null!), new Client(null!));
        table.Announce(first, null, ["a", "b"]);
        table.Announce(second, null, ["c"]);
        table.Announce(first, null, ["a"]);
        table.Announce(second, null, ["d"]);

        Assert.Equal((3, 3), (table.Counts().Sources, table.Counts().Known));
        Assert.Equal(Availability.NoSource, table.Request(second, "b", "news", notified: false).Availability);
        Assert.Equal(Availability.ToWaitFor, table.Request(second, "a", "news", notified: false).Availability);
    }

    [Fact]
    public void Cache_MoreBytesThanItMayHave_DropsThoseUsedLongestAgo()
    {
        _options.CacheBytes = 100;
        var table = new ChunkTable(_options, _time);
        var owner = new Client(null!);
        Push(table, owner, "a", 40);
        Push(table, owner, "b", 40);
        Assert.Equal(Availability.Kept, table.Request(owner, "a", "news", notified: false).Availability);
        Push(table, owner, "c", 50);

        Assert.Equal((2, 90), (table.Counts().Cached, table.Counts().CachedBytes));
        Assert.Equal(["c", "a"], table.KeptIn("news", 100));
        Assert.Equal([2], table.TakeDeadRows(100));
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(5, "")]
    [InlineData(6, "chunk3")]
    [InlineData(17, "chunk3 chunk2")]
    [InlineData(18, "chunk3 chunk2 chunk1")]
    public void KeptIn_MoreThanFits_GivesThoseThatDo(int maxLength, string expected)
    {
        var table = new ChunkTable(_options, _time);
        var owner = new Client(null!);
        for (var i = 1; i <= 3; i++)
        {
            Push(table, owner, $"chunk{i}", 1);
        }

        Assert.Equal(expected, string.Join(' ', table.KeptIn("news", maxLength)));
    }

    /// <summary>
    /// A crash may leave a row that was replaced, one that was pushed for another channel after the chunk was forgotten, and
    /// more than a smaller cache may have: the later row holds, and all others are deleted.
    /// </summary>
    [Fact]
    public void Restore_RowsThatNobodyNeeds_AreDeleted()
    {
        _options.CacheChunks = 2;
        var table = new ChunkTable(_options, _time);
        table.Restore(
        [
            new StoredChunk(3, "a", "news", "old", 10, Young),
            new StoredChunk(5, "b", "news", "b", 10, Young),
            new StoredChunk(6, "c", "news", "c", 10, Young),
            new StoredChunk(8, "a", "sport", "new", 10, Young),
        ]);

        Assert.Equal([3, 5], table.TakeDeadRows(100).Order());
        Assert.Equal("sport", table.ChannelOf("a"));
        Assert.Equal((8, "new"), (table.Request(new Client(null!), "a", "news", notified: false).Content!.Row, table.Request(new Client(null!), "a", "news", notified: false).Content!.Digest));
        Assert.Equal(["c"], table.KeptIn("news", 100));
        Assert.Equal(new ChunkCounts(2, 20, 2, 0, 0, 0, 0), table.Counts());

        // Rows go on counting where they were.
        Assert.Equal(9, Push(table, new Client(null!), "d", 1).Row);
    }

    [Fact]
    public void Sweep_VeryMuchHasExpired_HoldsTheLockForSomeOfItOnly()
    {
        var table = new ChunkTable(_options, _time);
        table.Announce(new Client(null!), null, [.. Enumerable.Range(0, 600).Select(i => $"{i}")]);
        _time.Advance(_options.SourceLifetime);
        var sources = new List<int>();
        while (table.Sweep([]))
        {
            sources.Add(table.Counts().Sources);
        }

        Assert.Equal([344, 88], sources);
        Assert.Equal(default, table.Counts());
    }

    [Fact]
    public void DeadRows_CouldNotBeDeleted_ComeAgain()
    {
        _options.CacheChunks = 1;
        var table = new ChunkTable(_options, _time);
        var owner = new Client(null!);
        Push(table, owner, "a", 1);
        Push(table, owner, "b", 1);
        Push(table, owner, "c", 1);

        var rows = table.TakeDeadRows(1);
        Assert.Equal([1], rows);
        table.PutBackDeadRows(rows);
        Assert.Equal([1, 2], table.TakeDeadRows(10).Order());
        Assert.Empty(table.TakeDeadRows(10));
    }

    /// <summary>Whoever asks while a push is on its way to the disk waits for it, and nobody is asked for what is coming already.</summary>
    [Fact]
    public void Request_WhileThePushIsBeingWritten_WaitsForIt()
    {
        var table = new ChunkTable(_options, _time);
        var (owner, reader) = (new Client(null!), new Client(null!));
        var push = table.Accept(owner, "a", "news", owned: "news", "digest", 1);
        Assert.Equal(PushVerdict.Accepted, push.Verdict);
        Assert.Equal(new RequestAnswer(Availability.ToWaitFor), table.Request(reader, "a", "news", notified: true));
        Assert.Equal([reader], table.Finish(push.Content!, written: true));
        Assert.Equal(Availability.Kept, table.Request(reader, "a", "news", notified: true).Availability);
    }

    private static CachedChunk Push(ChunkTable table, Client owner, string chunkId, int size)
    {
        var push = table.Accept(owner, chunkId, "news", owned: "news", $"digest of {chunkId}", size);
        Assert.Equal(PushVerdict.Accepted, push.Verdict);
        Assert.Empty(table.Finish(push.Content!, written: true));
        return push.Content!;
    }
}
