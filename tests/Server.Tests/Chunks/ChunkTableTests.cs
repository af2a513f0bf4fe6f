using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Channels;
using Relay.Chunks;
using Relay.Clients;

namespace Server.Tests.Chunks;

public sealed class ChunkTableTests
{
    private static readonly TimeSpan Young = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _time = new();
    private readonly ChunkOptions _options = new();
    private readonly ChannelTable _channels;

    public ChunkTableTests() => _channels = ChunkTables.Channels(_time);

    [Fact]
    public void Announce_MoreThanAllTogetherMay_ForgetsTheOldestOfTheAddressWithMost()
    {
        _options.AnnouncedTotal = 4;
        var table = new ChunkTable(_options, _channels, _time);
        var (greedy, modest) = (new Client(null!), new Client(null!));
        table.Announce(modest, Address(2), null, ["z"]);
        table.Announce(greedy, Address(1), null, ["a", "b", "c", "a", "d"]);

        Assert.Equal((4, 4), (table.Counts().Sources, table.Counts().Known));
        Assert.Equal(Availability.ToWaitFor, table.Request(greedy, Address(1), "z", "news", notified: false).Availability);
        Assert.Equal(Availability.NoSource, table.Request(modest, Address(1), "b", "news", notified: false).Availability);
        Assert.Equal(Availability.ToWaitFor, table.Request(modest, Address(1), "a", "news", notified: false).Availability);
    }

    /// <summary>The attack: sockets of one address, each within its own bound, that announce more than all may.</summary>
    [Fact]
    public void Announce_ManySocketsOfOneAddress_ForgetNobodyElses()
    {
        _options.AnnouncedTotal = 1000;
        var table = new ChunkTable(_options, _channels, _time);
        var honest = new Client(null!);
        table.Announce(honest, Address(1), "news", [.. Enumerable.Range(0, 100).Select(i => $"honest{i}")]);
        for (var socket = 0; socket < 20; socket++)
        {
            table.Announce(new Client(null!), Address(2), null, [.. Enumerable.Range(0, 500).Select(i => $"{socket} {i}")]);
        }

        Assert.Equal(1000, table.Counts().Sources);
        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(
            Availability.ToWaitFor, table.Request(new Client(null!), Address(1), $"honest{i}", "news", notified: false).Availability));
    }

    [Fact]
    public void Cache_TwoAddressesPushMuch_KeepsWhatOthersPushed()
    {
        (_options.CacheChunks, _options.CacheBytes) = (10, 1000);
        var table = new ChunkTable(_options, _channels, _time);
        var honest = new Client(null!);
        _channels.Own(honest, "news");
        Write(table, honest, Address(1), "news", "small", 10);
        Write(table, honest, Address(1), "news", "large", 150);
        for (var i = 0; i < 50; i++)
        {
            var greedy = new Client(null!);
            _channels.Own(greedy, $"mine{i}");
            Write(table, greedy, Address(2 + (i % 2)), $"mine{i}", "x", i % 3 == 0 ? 1 : 90);
        }

        Assert.Equal(["large", "small"], table.KeptIn("news", 100));
    }

    [Fact]
    public void Push_SameIdInTwoChannels_AreTwoChunks()
    {
        var table = new ChunkTable(_options, _channels, _time);
        var (one, two) = (new Client(null!), new Client(null!));
        _channels.Own(one, "news");
        _channels.Own(two, "sport");

        var (news, sport) = (Write(table, one, Address(1), "news", "a", 1), Write(table, two, Address(2), "sport", "a", 2));

        Assert.Same(news, table.Request(two, Address(1), "a", "news", notified: false).Content);
        Assert.Same(sport, table.Request(one, Address(1), "a", "sport", notified: false).Content);
        Assert.Equal(Availability.NoSource, table.Request(one, Address(1), "a", "other", notified: false).Availability);
    }

    [Fact]
    public void Request_AnnouncedWithoutAChannel_IsAskedInEveryChannel()
    {
        var table = new ChunkTable(_options, _channels, _time);
        var (source, other, reader) = (new Client(null!), new Client(null!), new Client(null!));
        table.Announce(source, Address(1), null, ["a"]);
        table.Announce(other, Address(2), "sport", ["a"]);

        Assert.Same(source, table.Request(reader, Address(1), "a", "news", notified: true).Ask);

        // It has been asked: in the other channel the other's turn comes first.
        Assert.Same(other, table.Request(reader, Address(1), "a", "sport", notified: true).Ask);
    }

    [Fact]
    public void Request_OwnerIsASource_IsAskedFirstEachTime()
    {
        var table = new ChunkTable(_options, _channels, _time);
        var (stranger, owner, reader) = (new Client(null!), new Client(null!), new Client(null!));
        _channels.Own(owner, "news");
        table.Announce(stranger, Address(1), "news", ["a", "b"]);
        table.Announce(owner, Address(2), null, ["a", "b"]);

        Assert.Same(owner, table.Request(reader, Address(1), "a", "news", notified: true).Ask);
        Assert.Same(owner, table.Request(reader, Address(1), "b", "news", notified: true).Ask);
        _channels.Remove(owner);
        Assert.All(table.Leave(owner), change => Assert.Same(stranger, change.Next));
    }

    [Fact]
    public void Push_OfTheOwner_ReplacesAStrangersAndIsReplacedByNone()
    {
        var table = new ChunkTable(_options, _channels, _time);
        var (stranger, owner) = (new Client(null!), new Client(null!));
        table.Announce(stranger, Address(1), "news", ["a"]);
        var poison = table.Accept(stranger, Address(1), "a", "news", "poison", 1);
        table.Finish(poison.Content!, written: true);
        _channels.Own(owner, "news");

        var good = table.Accept(owner, Address(2), "a", "news", "good", 1);

        Assert.Equal(PushVerdict.Accepted, good.Verdict);
        Assert.Equal(PushVerdict.OtherIsKept, table.Accept(stranger, Address(1), "a", "news", "poison", 1).Verdict);
        table.Finish(good.Content!, written: true);
        Assert.Equal("good", table.Request(stranger, Address(1), "a", "news", notified: false).Content!.Digest);
    }

    [Fact]
    public void Cache_MoreBytesThanItMayHave_DropsThoseUsedLongestAgo()
    {
        _options.CacheBytes = 100;
        var table = new ChunkTable(_options, _channels, _time);
        var owner = new Client(null!);
        Push(table, owner, "a", 40);
        Push(table, owner, "b", 40);
        Assert.Equal(Availability.Kept, table.Request(owner, Address(1), "a", "news", notified: false).Availability);
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
        var table = new ChunkTable(_options, _channels, _time);
        var owner = new Client(null!);
        for (var i = 1; i <= 3; i++)
        {
            Push(table, owner, $"chunk{i}", 1);
        }

        Assert.Equal(expected, string.Join(' ', table.KeptIn("news", maxLength)));
    }

    /// <summary>
    /// A crash may leave a row that was replaced, and more than a smaller cache may have: the later row of a chunk holds, whoever
    /// has most goes first, and what is not needed is deleted.
    /// </summary>
    [Fact]
    public void Restore_RowsThatNobodyNeeds_AreDeleted()
    {
        _options.CacheChunks = 3;
        var table = new ChunkTable(_options, _channels, _time);
        table.NumberFrom(100);
        table.Restore(
        [
            new StoredChunk(2, "z", "news", "z", 10, Young, Address(2)),
            new StoredChunk(3, "a", "news", "old", 10, Young, Address(1)),
            new StoredChunk(5, "b", "news", "b", 10, Young, Address(1)),
            new StoredChunk(6, "a", "sport", "other", 10, Young, Address(1)),
            new StoredChunk(8, "a", "news", "new", 10, Young, Address(1)),
        ]);

        Assert.Equal([3, 5], table.TakeDeadRows(100).Order());
        var kept = table.Request(new Client(null!), Address(1), "a", "news", notified: false).Content!;
        Assert.Equal((8, "new"), (kept.Row, kept.Digest));
        Assert.Equal(["a", "z"], table.KeptIn("news", 100));
        Assert.Equal(new ChunkCounts(3, 30, 3, 0, 0, 0, 0), table.Counts());

        Assert.Equal(101, Push(table, new Client(null!), "d", 1).Row);
    }

    [Fact]
    public void Sweep_VeryMuchHasExpired_HoldsTheLockForSomeOfItOnly()
    {
        var table = new ChunkTable(_options, _channels, _time);
        table.Announce(new Client(null!), Address(1), null, [.. Enumerable.Range(0, 600).Select(i => $"{i}")]);
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
        var table = new ChunkTable(_options, _channels, _time);
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
        var table = new ChunkTable(_options, _channels, _time);
        var (owner, reader) = (new Client(null!), new Client(null!));
        _channels.Own(owner, "news");
        var push = table.Accept(owner, Address(1), "a", "news", "digest", 1);
        Assert.Equal(PushVerdict.Accepted, push.Verdict);
        Assert.Equal(new RequestAnswer(Availability.ToWaitFor), table.Request(reader, Address(1), "a", "news", notified: true));
        Assert.Equal([reader], table.Finish(push.Content!, written: true));
        Assert.Equal(Availability.Kept, table.Request(reader, Address(1), "a", "news", notified: true).Availability);
    }

    // By whoever owns the channel from now on.
    private CachedChunk Push(ChunkTable table, Client owner, string chunkId, int size)
    {
        _channels.Own(owner, "news");
        return Write(table, owner, Address(1), "news", chunkId, size);
    }

    private static CachedChunk Write(ChunkTable table, Client owner, IpKey address, string channelId, string chunkId, int size)
    {
        var push = table.Accept(owner, address, chunkId, channelId, $"digest of {chunkId}", size);
        Assert.Equal(PushVerdict.Accepted, push.Verdict);
        Assert.Empty(table.Finish(push.Content!, written: true));
        return push.Content!;
    }

    // Each in a network of its own.
    private static IpKey Address(int number) => IpKey.FromIpv4((uint)number << 8);
}
