using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Cluster.V1;

namespace Server.Tests.Admission;

public sealed class RemoteCountsTests
{
    private static readonly Gen<IpKey> AnyKey = Gen.Select(Gen.ULong, Gen.ULong, Gen.Int[0, 255]).Select((high, low, bits) =>
        bits % 10 == 0 ? IpKey.Unresolved
        : bits > 127 ? new IpKey(high, low, 255).Truncate(bits - 127)
        : new IpKey(0, (uint)low, 32).Truncate(bits % 33));

    private readonly FakeTimeProvider _time = new();
    private readonly List<RemoteGrowth> _grown = [];
    private readonly RemoteCounts _counts;

    public RemoteCountsTests() => _counts = new RemoteCounts(_time, maxOfNode: 3, max: 4);

    [Fact]
    public void Codec_WhatIsWritten_IsRead() => Gen.Select(AnyKey, Gen.Int[0, CountsCodec.MaxConnections]).Array[0, 50].Sample(keys =>
    {
        var message = new Counts();
        foreach (var (key, connections) in keys)
        {
            CountsCodec.Add(message, key, connections);
        }

        var read = new List<(IpKey, int)>();
        Assert.True(CountsCodec.TryRead(Counts.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(message)), read));
        Assert.Equal(keys, read);
    });

    [Fact]
    public void Codec_WhatNoRelayWrites_IsRefusedOrReadAsWritten() => Gen.Select(Gen.UInt[0, 300].Array[0, 4], Gen.UInt.Array[0, 4], Gen.ULong.Array[0, 6], Gen.Long).Sample(
        (bits, connections, words, total) =>
        {
            var message = new Counts { Bits = { bits }, Connections = { connections }, Words = { words }, Total = total };
            var read = new List<(IpKey Key, int Connections)>();
            if (CountsCodec.TryRead(message, read))
            {
                var again = new Counts { Total = total };
                read.ForEach(one => CountsCodec.Add(again, one.Key, one.Connections));
                Assert.Equal(message, again);
            }
        },
        iter: 20_000);

    [Theory]
    [InlineData(33, 1, new ulong[] { 1 })] // no such network
    [InlineData(24, 1, new ulong[] { 1 })] // more than its network
    [InlineData(32, 1, new ulong[] { 1UL << 32 })] // no IPv4 address
    [InlineData(32, 1, new ulong[0])]
    [InlineData(32, 1, new ulong[] { 1, 2 })]
    [InlineData(32, 1_000_001, new ulong[] { 1 })]
    [InlineData(255, 1, new ulong[] { 1 })]
    public void Apply_Malformed_ChangesNothing(uint bits, uint connections, ulong[] words)
    {
        var message = new Counts { Bits = { bits }, Connections = { connections }, Words = { words }, Total = 5 };

        Assert.Equal(CountsOutcome.Malformed, _counts.Apply(1, message, _grown));
        Assert.Equal((0, 0), (_counts.Keys, _counts.Total));
    }

    [Fact]
    public void Apply_ChangesOfTwoNodes_AddUpUntilTheyAreGone()
    {
        _counts.Apply(1, All(0, 1, 1, total: 7, (1, 3), (2, 1)), _grown);
        _counts.Apply(2, All(0, 1, 1, total: 5, (1, 4)), _grown);
        Assert.Equal([new RemoteGrowth(Books.Key(1), 3, 7)], _grown);
        Assert.Equal((12, 7), (_counts.Total, _counts.Of(Books.Key(1)).Key));

        _counts.Apply(1, Changes(1, total: 6, (1, 2)), _grown);
        Assert.Empty(_grown);
        Assert.Equal((11, 6), (_counts.Total, _counts.Of(Books.Key(1)).Key));

        _counts.Forget(2);
        _counts.Forget(2);
        Assert.Equal((6, 2, 1), (_counts.Total, _counts.Of(Books.Key(1)).Key, _counts.Of(Books.Key(2)).Key));
        _counts.Forget(1);
        Assert.Equal((0, 0, default), (_counts.Total, _counts.Keys, _counts.Of(Books.Key(2))));
    }

    [Fact]
    public void Apply_AllInParts_DropsWhatIsAbsent()
    {
        _counts.Apply(1, All(0, 1, 1, total: 3, (1, 1), (2, 1), (3, 1)), _grown);

        Assert.Equal(CountsOutcome.Complete, _counts.Apply(1, All(0, 1, 2, total: 2, (1, 1)), _grown));
        Assert.Equal(3, _counts.Keys);
        Assert.Equal(CountsOutcome.Complete, _counts.Apply(1, All(0, 2, 2, total: 2, (3, 1)), _grown));
        Assert.Equal((1, 0, 1), (_counts.Of(Books.Key(1)).Key, _counts.Of(Books.Key(2)).Key, _counts.Of(Books.Key(3)).Key));
    }

    [Fact]
    public void Apply_WithAMessageMissing_TakesTheRestAndSaysSo()
    {
        Assert.Equal(CountsOutcome.Incomplete, _counts.Apply(1, Changes(8, total: 1, (1, 1)), _grown));
        Assert.Equal(CountsOutcome.Complete, _counts.Apply(1, All(8, 1, 1, total: 1, (1, 1)), _grown));
        Assert.Equal(CountsOutcome.Complete, _counts.Apply(1, Changes(9, total: 2, (1, 2)), _grown));
        Assert.Equal(CountsOutcome.Incomplete, _counts.Apply(1, Changes(11, total: 3, (1, 3)), _grown));
        Assert.Equal(CountsOutcome.Incomplete, _counts.Apply(1, Changes(12, total: 3, (1, 3)), _grown));
        Assert.Equal(3, _counts.Of(Books.Key(1)).Key);

        // Parts of all: the second of three is missing, so nothing may be dropped.
        _counts.Apply(1, All(12, 1, 3, total: 0), _grown);
        Assert.Equal(CountsOutcome.Incomplete, _counts.Apply(1, All(12, 3, 3, total: 0), _grown));
        Assert.Equal(3, _counts.Of(Books.Key(1)).Key);
    }

    [Fact]
    public void Apply_MoreKeysThanAreKept_LeavesTheRestOut()
    {
        _counts.Apply(1, All(0, 1, 1, total: 4, (1, 1), (2, 1), (3, 1), (4, 1)), _grown);
        _counts.Apply(2, All(0, 1, 1, total: 2, (5, 1), (6, 1)), _grown);
        Assert.Equal((4, 2L), (_counts.Keys, _counts.Dropped));

        // What is kept may change, and gives way.
        _counts.Apply(1, Changes(1, total: 4, (1, 9), (2, 0)), _grown);
        _counts.Apply(2, Changes(1, total: 4, (6, 1)), _grown);
        Assert.Equal((4, 9, 1, 2L), (_counts.Keys, _counts.Of(Books.Key(1)).Key, _counts.Of(Books.Key(6)).Key, _counts.Dropped));
    }

    [Fact]
    public void Age_OfTheNodeThatWasHeardLongestAgo()
    {
        Assert.Equal(TimeSpan.Zero, _counts.Age);
        _counts.Apply(1, Changes(1, total: 0), _grown);
        _time.Advance(TimeSpan.FromSeconds(2));
        _counts.Apply(2, Changes(1, total: 0), _grown);

        Assert.Equal(TimeSpan.FromSeconds(2), _counts.Age);
    }

    [Fact]
    public void TryAcquire_WithOtherNodes_AllocatesNothing()
    {
        var books = new Books(total: 1000, perIp: 10, remote: time => new RemoteCounts(time));
        books.Change(("per-24", "100"));
        books.Ledger.TrackChanges();
        books.Remote!.Apply(1, All(0, 1, 1, total: 3, (1, 3)), _grown);

        // More than are remembered for dry runs: their table grows until then.
        for (var i = 0; i < 20_000; i++)
        {
            Come();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Come();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Come()
        {
            books.Ledger.TryAcquire(Books.Key(1), books.Time.GetTimestamp(), out var lease);
            books.Ledger.Release(lease);
        }
    }

    private static Counts Changes(ulong sequence, int total, params (int Key, int Connections)[] keys)
    {
        var message = new Counts { Sequence = sequence, Total = total };
        Array.ForEach(keys, one => CountsCodec.Add(message, Books.Key(one.Key), one.Connections));
        return message;
    }

    private static Counts All(ulong sequence, uint part, uint parts, int total, params (int Key, int Connections)[] keys)
    {
        var message = Changes(sequence, total, keys);
        (message.Part, message.Parts) = (part, parts);
        return message;
    }
}
