using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Protocol;
using Relay.Rendezvous;
using Relay.TestKit;
using Server.Tests.Storage;

namespace Server.Tests.Rendezvous;

/// <summary>Two relays on one PostgreSQL database.</summary>
public sealed class SharedRendezvousTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RendezvousOptions _options = new() { RowsPerIdentity = 100_000 };

    [Fact]
    public async Task Register_AtBoth_EachFindsTheDropsOfTheOther()
    {
        await using var one = await TestDatabase.StartAsync(time: _time, engine: Engine.Postgres);
        await using var two = await one.JoinAsync();
        var (first, second) = (Store(one), Store(two));

        Assert.Empty((await PutAsync(first, "AAAAAA", 1, [("p", "from A")])).Drops);
        Assert.Equal([new FoundDrop("AAAAAA", "from A", "")], (await PutAsync(second, "BBBBBB", 1, [("p", "from B")])).Drops);
        Assert.Equal([new FoundDrop("BBBBBB", "from B", "")], (await PutAsync(first, "AAAAAA", 1, [("p", "again")])).Drops);
        Assert.Equal(2, second.Counts().DailyPoints);
    }

    /// <summary>Sessions of two relays have the same numbers: they are told apart by the start of their relay, and nobody loses its tokens with another's session.</summary>
    [Fact]
    public async Task Tokens_OfAnotherRelaysSession_AreItsOwn()
    {
        await using var one = await TestDatabase.StartAsync(time: _time, engine: Engine.Postgres);
        await using var two = await one.JoinAsync();
        var (first, second) = (Store(one), Store(two));
        await PutAsync(first, "AAAAAA", 1, [], "t");
        var (here, there) = (one.Database.Start, two.Database.Start);
        Assert.Equal([new HeldToken("AAAAAA", "", 1, here)], (await PutAsync(second, "BBBBBB", 1, [], "t")).Tokens);

        await second.RemoveTokensAsync(1, ["AAAAAA"]);
        Assert.Equal([new HeldToken("BBBBBB", "", 1, there), new HeldToken("AAAAAA", "", 1)], (await PutAsync(first, "CCCCCC", 2, [], "t")).Tokens);
        Assert.Equal(
            [new HeldToken("CCCCCC", "", 2, here), new HeldToken("BBBBBB", "", 1), new HeldToken("AAAAAA", "", 1, here)],
            (await PutAsync(second, "DDDDDD", 2, [], "t")).Tokens);

        // A start removes nobody's.
        await new RendezvousCleaner(Store(two), new RelayState()).StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal("4", await one.AskAsync("SELECT count(*) FROM meeting_points"));
    }

    /// <summary>Both write as fast as they can: no error, exact limits and counts, one order.</summary>
    [Fact]
    public async Task Register_AtBothAtOnce_KeepsTheLimitsTogether()
    {
        // On real time: a relay ends a transaction in time for the others by it (Transactions), and on a slow machine they would not wait longer.
        await using var one = await TestDatabase.StartAsync(engine: Engine.Postgres);
        await using var two = await one.JoinAsync();
        var options = new RendezvousOptions { RowsPerIdentity = 30, MaxRows = 100, RecountInterval = TimeSpan.FromSeconds(10) };
        RendezvousStore[] stores = [new(one.Database, options, _time), new(two.Database, options, _time)];
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => Task.Run(() =>
        {
            var random = new Random(i);
            var name = $"AAAAA{random.Next(8)}";
            return PutAsync(
                stores[i % 2], name, i % 7, [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => ($"p{random.Next(40)}", "drop"))], $"t{random.Next(10)}", (uint)random.Next(4));
        }))).WaitAsync(TestDatabase.Patience * 3, TestContext.Current.CancellationToken);

        Assert.Equal("t", await one.AskAsync("""
            SELECT CASE WHEN (SELECT count(*) FROM meeting_points) <= 100
                AND (SELECT count(*) FROM meeting_points) = (SELECT sum(total) FROM meeting_counts)
                AND (SELECT sum(total) FROM meeting_counts) = (SELECT sum(weight) FROM meeting_counts)
                AND NOT EXISTS (SELECT FROM meeting_points GROUP BY peer_id, name_key HAVING count(*) > 30) THEN 't' ELSE 'f' END
            """));
        var rows = long.Parse((await one.AskAsync("SELECT count(*) FROM meeting_points"))!, CultureInfo.InvariantCulture);
        Assert.InRange(rows, 90, 100);
        Assert.Equal((0L, 0L), (one.Database.Failures, two.Database.Failures));
    }

    /// <summary>The shares are as old as they may be, and the address that had most has nothing any more.</summary>
    [Fact]
    public async Task Register_SharesAreOld_StillSomebodyGivesWay()
    {
        await using var one = await TestDatabase.StartAsync(time: _time, engine: Engine.Postgres);
        await using var two = await one.JoinAsync();
        var options = new RendezvousOptions { RowsPerIdentity = 100_000, MaxRows = 100 };
        var (first, second) = (new RendezvousStore(one.Database, options, _time), new RendezvousStore(two.Database, options, _time));
        await PutAsync(first, "AAAAAA", 1, [.. Enumerable.Range(0, 101).Select(i => ($"a{i}", ""))], address: 1);
        await one.DoAsync("UPDATE meeting_points SET expires_at = 0");
        await second.RemoveExpiredAsync(1000);
        await PutAsync(second, "BBBBBB", 1, [.. Enumerable.Range(0, 100).Select(i => ($"b{i}", ""))], address: 2);

        await PutAsync(first, "CCCCCC", 1, [("c", "")], address: 3);
        Assert.Equal("BBBBBB 99 CCCCCC 1", await one.AskAsync(
            "SELECT string_agg(convert_from(peer_id, 'UTF8') || ' ' || n, ' ' ORDER BY n DESC) FROM (SELECT peer_id, count(*) n FROM meeting_points GROUP BY peer_id) s"));
    }

    /// <summary>What one relay has written counts by its bytes for the other too: a drop of 12 KiB for three.</summary>
    [Fact]
    public async Task Register_LargeDropsAtBoth_CountByTheirBytesTogether()
    {
        await using var one = await TestDatabase.StartAsync(time: _time, engine: Engine.Postgres);
        await using var two = await one.JoinAsync();
        var options = new RendezvousOptions { RowsPerIdentity = 100, MaxRows = 100 };
        RendezvousStore[] stores = [new(one.Database, options, _time), new(two.Database, options, _time)];
        for (var i = 0; i < 40; i++)
        {
            await PutAsync(stores[i % 2], $"AAAAA{i % 4}", 1, [($"p{i}", new string('€', 4096))], address: (uint)(i % 2));
        }

        Assert.Equal("33 99", await one.AskAsync(
            "SELECT (SELECT count(*) FROM meeting_points) || ' ' || (SELECT sum(weight) FROM meeting_counts)"));
    }

    /// <summary>Whatever text a client sends, in whatever encoding the database is.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("TEMPLATE template0 ENCODING 'SQL_ASCII'")]
    [InlineData("TEMPLATE template0 ENCODING 'LATIN1'")]
    public async Task Register_OddTexts_AreFoundAsTheyWere(string database)
    {
        await using var test = await TestDatabase.StartAsync(await (await SharedPostgres.GetAsync()).CreateDatabaseAsync(database), time: _time);
        var store = Store(test);
        foreach (var text in new[] { "\0", "a\0b", "😀", "ß'\"\\;--", "\u2028\uFFFF", new string('\uFFFD', 128) })
        {
            await PutAsync(store, "AAAAAA", 1, [(text, text)], text);
            var found = await PutAsync(store, "BBBBBB", 2, [(text, "")], text);

            Assert.Equal([new FoundDrop("AAAAAA", text, "")], found.Drops);
            Assert.Equal([new HeldToken("AAAAAA", "", 1)], found.Tokens);
        }
    }

    private RendezvousStore Store(TestDatabase test) => new(test.Database, _options, _time);

    private static Task<Findings> PutAsync(
        RendezvousStore store, string name, long session, List<(string, string)> points, string? token = null, uint address = 1)
    {
        var owner = new RowOwner(name, "code:key");
        return store.RegisterAsync(new Registration(
            owner, owner, session, IpKey.FromIpv4(address << 8), new RendezvousRequest("", [.. points.DistinctBy(point => point.Item1)], token is null ? [] : [token])));
    }
}
