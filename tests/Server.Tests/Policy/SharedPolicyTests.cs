using Relay.Policy;
using Relay.TestKit;
using Server.Tests.Storage;
using static Server.Tests.Policy.JournalFolder;

namespace Server.Tests.Policy;

/// <summary>Relays on one PostgreSQL database that share one policy.</summary>
public sealed class SharedPolicyTests
{
    [Fact]
    public async Task Change_AtOneRelay_HoldsAtTheOthersAndIsToldOnceWithItsRelay()
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        await using var a = await PolicyRelay.StartAsync(connection, "a");
        await using var b = await PolicyRelay.StartAsync(connection, "b");

        await a.ChangeAsync(Of(("per-ip", "7"), ("ban/192.0.2.1", "forever")) with { Evict = Eviction.Newest });
        await b.CatchUpAsync();
        await b.CatchUpAsync();
        await a.CatchUpAsync();

        Assert.Equal((7, 2L), (b.Store.Current.PerIp, b.Store.Current.Revision));
        Assert.Equal(["test: Limits changed: ban/192.0.2.1 (none) -> forever, per-ip 50 -> 7, revision 2"], a.Told);
        Assert.Equal(["test: Limits changed: ban/192.0.2.1 (none) -> forever, per-ip 50 -> 7, revision 2 at a"], b.Told);
        var told = Assert.IsType<PolicyChanged>(b.Events.Last(1)[0].Event);
        Assert.Equal(("a", Eviction.Newest, "revision=2 node=a"), (told.Node, told.Evict, told.Change.What));
        Assert.Equal(Eviction.None, Assert.IsType<PolicyChanged>(a.Events.Last(1)[0].Event).Evict);
    }

    [Fact]
    public async Task Change_DecidedFromAnOldState_StartsFromTheNewestOrIsStale()
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        await using var a = await PolicyRelay.StartAsync(connection, "a");
        await using var b = await PolicyRelay.StartAsync(connection, "b");
        await a.ChangeAsync(("per-ip", "7"));

        var stale = await b.ChangeAsync(Of(("total", "90")) with { ExpectedRevision = 1 });
        var made = await b.ChangeAsync(Of(("total", "90")) with { ExpectedRevision = 2 });

        Assert.Equal((true, 2L), (stale.IsStale, stale.Before.Revision));
        Assert.Equal((2L, 3L, 7, 90), (made.Before.Revision, made.After.Revision, made.After.PerIp, made.After.Total));
        Assert.Equal((2L, 50), ((await a.ChangeAsync(Of(("per-ip", "50")) with { DryRun = true })).Before.Revision, 50));
        await a.CatchUpAsync();
        Assert.Equal(b.Store.Current.Items.All, a.Store.Current.Items.All);
    }

    [Fact]
    public async Task Confirm_AtAnotherRelay_Stays()
    {
        var (connection, time) = (await PolicyRelay.CreateDatabaseAsync(), new SteppingTime());
        await using var a = await PolicyRelay.StartAsync(connection, "a", time);
        await using var b = await PolicyRelay.StartAsync(connection, "b", time);
        await a.ChangeAsync(Of(("per-ip", "7")) with { ConfirmWithin = TimeSpan.FromSeconds(60) });

        Assert.Equal([2L], await b.Store.ConfirmAsync(null, "test"));
        await a.CatchUpAsync();
        time.Advance(TimeSpan.FromSeconds(61));
        await a.CatchUpAsync();
        await b.CatchUpAsync();

        Assert.Equal((7, 7, 2L), (a.Store.Current.PerIp, b.Store.Current.PerIp, a.Store.Current.Revision));
        Assert.Equal(3, (await PolicyRelay.RowsAsync(connection)).Count);
    }

    [Fact]
    public async Task Reverts_DueAtAllRelaysAtOnce_AreMadeOnce()
    {
        var (connection, time) = (await PolicyRelay.CreateDatabaseAsync(), new SteppingTime());
        await using var a = await PolicyRelay.StartAsync(connection, "a", time);
        await using var b = await PolicyRelay.StartAsync(connection, "b", time);
        await using var c = await PolicyRelay.StartAsync(connection, "c", time);
        PolicyRelay[] relays = [a, b, c];
        for (var round = 0; round < 10; round++)
        {
            await a.ChangeAsync(Of(("per-ip", $"{round + 1}")) with { ConfirmWithin = TimeSpan.FromSeconds(60) });
            await a.ChangeAsync(Of(($"ban/192.0.2.{round + 1}", "forever")) with { Ttl = TimeSpan.FromSeconds(60) });
            await Task.WhenAll(relays.Select(relay => relay.CatchUpAsync()));

            // The timers of all three ring.
            time.Advance(TimeSpan.FromSeconds(60));
            Assert.All(relays, relay => Assert.InRange(relay.Store.Current.Revision, 1 + (4 * round) + 2, 1 + (4 * round) + 4));
            await Task.WhenAll(relays.Select(relay => relay.CatchUpAsync()));
        }

        await Task.WhenAll(relays.Select(relay => relay.CatchUpAsync()));
        Assert.All(relays, relay => Assert.Equal((50, 41L), (relay.Store.Current.PerIp, relay.Store.Current.Revision)));
        Assert.Equal(41, (await PolicyRelay.RowsAsync(connection)).Count);
        Assert.All(relays, relay => Assert.Equal(40, relay.Told.Count));
        Assert.All(relays, relay => Assert.Equal(20, relay.Told.Count(line => line.StartsWith("relayd: ", StringComparison.Ordinal))));
    }

    /// <summary>What lies ahead is given by the writer's wall clock; this relay's was an hour slow when it started, and was set right since.</summary>
    [Fact]
    public async Task Revert_OfARelayWhoseClockWasSetMeanwhile_IsDueAtTheWritersTime()
    {
        var (connection, time, set) = (await PolicyRelay.CreateDatabaseAsync(), new SteppingTime(), new SteppingTime { Step = TimeSpan.FromHours(-1) });
        await using var a = await PolicyRelay.StartAsync(connection, "a", time);
        await using var b = await PolicyRelay.StartAsync(connection, "b", set);
        set.Step = TimeSpan.Zero;
        await a.ChangeAsync(Of(("per-ip", "7")) with { Ttl = TimeSpan.FromSeconds(60) });
        await b.CatchUpAsync();
        Assert.Equal(time.GetUtcNow().AddSeconds(60), Assert.Single(b.Store.Overview().Pending).Due);

        set.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(7, b.Store.Current.PerIp);
        set.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(50, b.Store.Current.PerIp);
        await b.CatchUpAsync();
        await a.CatchUpAsync();
        Assert.Equal((50, 3L), (a.Store.Current.PerIp, a.Store.Current.Revision));
    }

    [Fact]
    public async Task Rollback_ToARevisionOfAnotherRelay_IsPossible()
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        await using var a = await PolicyRelay.StartAsync(connection, "a");
        await using var b = await PolicyRelay.StartAsync(connection, "b");
        await a.ChangeAsync(("per-ip", "7"));
        await b.ChangeAsync(("per-ip", "8"));

        Assert.False((await b.ChangeAsync(Of() with { RollbackTo = 2 })).IsUnknown);
        await a.CatchUpAsync();

        Assert.Equal((7, 4L), (a.Store.Current.PerIp, a.Store.Current.Revision));
    }

    [Fact]
    public async Task Journal_OfManyRows_IsCompactedAndFollowedFromFarBehind()
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        await using var a = await PolicyRelay.StartAsync(connection, "a");
        await using var behind = await PolicyRelay.StartAsync(connection, "b");
        await using var close = await PolicyRelay.StartAsync(connection, "c");
        await a.ChangeAsync(("override/203.0.113.0/24", "5"));
        for (var i = 1; i <= 1_100; i++)
        {
            await a.ChangeAsync(("total", $"{100 + i}"));
            if (i % 90 == 0)
            {
                await close.CatchUpAsync();
            }
        }

        await behind.CatchUpAsync();
        await close.CatchUpAsync();
        await using var late = await PolicyRelay.StartAsync(connection, "d");

        var rows = await PolicyRelay.RowsAsync(connection);
        Assert.InRange(rows.Count, 100, 1_002);
        Assert.Equal(Enumerable.Range(0, rows.Count).Select(i => rows[0].Position + i), rows.Select(row => row.Position));
        foreach (var relay in new[] { a, behind, close, late })
        {
            Assert.Equal((1_102L, 1_200, "5"), (relay.Store.Current.Revision, relay.Store.Current.Total, relay.Store.Current.Items["override/203.0.113.0/24"]));
        }

        await behind.ChangeAsync(("total", "5"));
        await close.CatchUpAsync();
        Assert.Equal(5, close.Store.Current.Total);

        // All of them start again from the copies and find nothing new.
        Assert.Null((await behind.StartAsync()).Problem);
        Assert.Equal((1_103L, 5), (behind.Store.Current.Revision, behind.Store.Current.Total));
    }

    [Fact]
    public async Task Start_OtherConfiguration_HoldsForAllAndTheOthersSayIt()
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        await using var a = await PolicyRelay.StartAsync(connection, "a");
        await a.ChangeAsync(("per-ip", "7"));
        await using var b = await PolicyRelay.StartAsync(connection, "b", options: new AdmissionOptions { Total = 200, PerIp = 60 });
        await a.CatchUpAsync();

        Assert.Equal((200, 7, 3L), (a.Store.Current.Total, a.Store.Current.PerIp, a.Store.Current.Revision));
        Assert.Equal(b.Store.Current.Items.All, a.Store.Current.Items.All);
        Assert.Equal("relayd: Limits changed: total 100 -> 200, revision 3 at b", a.Told[^1]);
        Assert.Contains("The relay b has started with another configuration, which now holds for all that share the policy: per-ip=60 total=200 there, per-ip=50 total=100 here", Assert.Single(a.Log.Texts), StringComparison.Ordinal);
        await b.ChangeAsync(Of() with { Reset = ["per-ip"] });
        await a.CatchUpAsync();
        Assert.Equal(60, a.Store.Current.PerIp);
    }

    [Theory]
    [InlineData("UPDATE policy_journal SET line = convert_to(replace(convert_from(line, 'UTF8'), '\"who\"', '\"until\":1,\"who\"'), 'UTF8') WHERE position = 3", "unknown field until")]
    [InlineData("UPDATE policy_journal SET line = '{' WHERE position = 3", "it is not valid JSON")]
    [InlineData("UPDATE policy_journal SET evict = 'all' WHERE position = 3", "unknown word 'all' in column evict")]
    [InlineData("UPDATE policy_journal SET line = convert_to(replace(convert_from(line, 'UTF8'), '\"after\":\"8\"', '\"after\":\"9\"'), 'UTF8'), revision = 3 WHERE position = 3", null)]
    [InlineData("UPDATE policy_journal SET line = convert_to(replace(convert_from(line, 'UTF8'), '\"revision\":3', '\"revision\":9'), 'UTF8') WHERE position = 3", "revision 9 stands where revision 3 should follow")]
    [InlineData("UPDATE policy_journal SET line = convert_to(replace(convert_from(line, 'UTF8'), 'per-ip', 'per-galaxy'), 'UTF8') WHERE position = 3", "per-galaxy: ")]
    public async Task Row_DamagedOrNewer_IsSaidAndTheRelayStaysWhereItWas(string damage, string? what)
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        await using var a = await PolicyRelay.StartAsync(connection, "a");
        await using var b = await PolicyRelay.StartAsync(connection, "b");
        await a.ChangeAsync(("per-ip", "7"));
        await b.CatchUpAsync();
        await a.ChangeAsync(("per-ip", "8"));
        await using (var beside = await PostgresServer.OpenAsync(connection))
        {
            Assert.Equal(1, TestDatabase.Do(beside, damage));
        }

        var followed = await b.CatchUpAsync();
        if (what is null)
        {
            // An edit that is as good as the original is none of our business.
            Assert.Equal((null, 9), (followed.Problem, b.Store.Current.PerIp));
            return;
        }

        Assert.Equal((true, 7, 2L), (followed.IsDamaged, b.Store.Current.PerIp, b.Store.Current.Revision));
        Assert.Contains($"table policy_journal, position 3, written by a: {what}", followed.Problem, StringComparison.Ordinal);
        Assert.Contains("This relay stays at revision 2 and changes nothing: if a newer relayd has written that row, upgrade this one", followed.Problem, StringComparison.Ordinal);
        Assert.Equal(followed.Problem, (await b.ChangeAsync(Of(("total", "5")))).NotWritten);
        Assert.Equal((true, true), (await b.StartAsync()) is var start ? (start.IsDamaged, start.StopsStart) : default);
        Assert.Equal(7, b.Store.Current.PerIp);
    }
}
