using Relay.Policy;
using Relay.TestKit;
using static Server.Tests.Policy.JournalFolder;

namespace Server.Tests.Policy;

/// <summary>The database is away, or has another journal than a relay's file.</summary>
public sealed class SharedPolicyAwayTests
{
    [Fact]
    public async Task Database_StoppedAndRestarted_ChangesAreRefusedMeanwhileAndRevertsTakePlace()
    {
        await using var server = await PostgresServer.StartAsync();
        var (connection, time) = (await server.CreateDatabaseAsync(), new SteppingTime());
        await using var a = await PolicyRelay.StartAsync(connection, "a", time);
        await using var b = await PolicyRelay.StartAsync(connection, "b", time);
        await a.ChangeAsync(Of(("per-ip", "7")) with { Ttl = TimeSpan.FromMinutes(1) });
        await a.ChangeAsync(("total", "90"));
        await b.CatchUpAsync();
        await server.KillAsync();

        var refused = await a.ChangeAsync(Of(("total", "80")));
        await a.UntilAsync(() => a.IsAway);
        await b.UntilAsync(() => b.IsAway);
        var away = await a.ChangeAsync(Of(("total", "80")));
        Assert.NotNull(refused.NotWritten);
        Assert.Contains("nothing was changed: it cannot be reached. Try again when `relayctl stats` does not show the database as away", away.NotWritten, StringComparison.Ordinal);
        await Assert.ThrowsAsync<IOException>(() => a.Store.ConfirmAsync(null, "test"));
        Assert.Equal((20, 90), ((await a.ChangeAsync(Of(("total", "20")) with { DryRun = true })).After.Total, a.Store.Current.Total));

        // It says until when, so it is reverted at both; it is stored once.
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((50, 50), (a.Store.Current.PerIp, b.Store.Current.PerIp));
        await server.RestartAsync();
        await a.UntilAsync(() => !a.IsAway);
        await b.UntilAsync(() => !b.IsAway);
        await Task.WhenAll(a.CatchUpAsync(), b.CatchUpAsync());
        await Task.WhenAll(a.CatchUpAsync(), b.CatchUpAsync());
        await a.ChangeAsync(("total", "70"));
        await b.CatchUpAsync();

        Assert.Equal((50, 70, 5L), (b.Store.Current.PerIp, b.Store.Current.Total, b.Store.Current.Revision));
        Assert.Equal(5, (await PolicyRelay.RowsAsync(connection)).Count);
        Assert.All(new[] { a, b }, relay => Assert.Single(relay.Told, line => line.StartsWith("relayd: ", StringComparison.Ordinal)));
    }

    /// <summary>Confirmed at a relay that reaches the database, while one that does not has reverted it already.</summary>
    [Fact]
    public async Task Start_DatabaseAway_IsFromTheCopyAndCatchesUp()
    {
        await using var server = await PostgresServer.StartAsync();
        var connection = await server.CreateDatabaseAsync();
        await using var a = await PolicyRelay.StartAsync(connection, "a");
        await using var b = await PolicyRelay.StartAsync(connection, "b");
        await a.ChangeAsync(("per-ip", "7"));
        await b.CatchUpAsync();
        await b.StopAsync();
        await a.ChangeAsync(("per-ip", "8"));
        await server.KillAsync();

        // Another configuration waits until the database can be reached.
        b.Options = new AdmissionOptions { Total = 300, PerIp = 50 };
        var start = await b.StartAsync();
        Assert.Equal((true, false, 7, 100, 2L), (start.Problem is not null, start.StopsStart, b.Store.Current.PerIp, b.Store.Current.Total, b.Store.Current.Revision));
        await server.RestartAsync();
        await b.UntilAsync(() => b.Store.Current.Revision == 4);
        Assert.Equal((8, 300), (b.Store.Current.PerIp, b.Store.Current.Total));
        Assert.Equal(["test: Limits changed: per-ip 7 -> 8, revision 3 at a", "relayd: Limits changed: total 100 -> 300, revision 4"], b.Told);
        Assert.Empty(b.Aside);

        // Without a copy there is nothing to start from.
        await server.KillAsync();
        await using var c = PolicyRelay.Create(connection, "c");
        var refused = await Assert.ThrowsAsync<InvalidDataException>(c.StartAsync);
        Assert.Contains("cannot be used", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_EmptyTable_GetsTheFileOfTheFirstAndReplacesThoseOfTheOthers()
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        await using var a = PolicyRelay.Create(connection, "a");
        await using var b = PolicyRelay.Create(connection, "b");
        a.ChangeAlone(("per-ip", "7"), ("override/203.0.113.0/24", "9"));
        b.ChangeAlone(("per-ip", "60"));
        var file = await File.ReadAllTextAsync(b.File, TestContext.Current.CancellationToken);

        Assert.Null((await a.StartAsync()).Problem);
        Assert.Null((await b.StartAsync()).Problem);

        Assert.Equal((7, 7, "9"), (a.Store.Current.PerIp, b.Store.Current.PerIp, b.Store.Current.Items["override/203.0.113.0/24"]));
        Assert.Equal(2, (await PolicyRelay.RowsAsync(connection)).Count);
        Assert.Empty(a.Log.Texts);
        Assert.Empty(a.Aside);
        Assert.Equal([file], b.Aside);
        Assert.Contains("does not continue that of this relay (revision 2): it is taken over, and the former file is kept as ", Assert.Single(b.Log.Texts), StringComparison.Ordinal);
        Assert.Equal(["relayd: Limits changed: override/203.0.113.0/24 (none) -> 9, per-ip 60 -> 7, revision 2"], b.Told);

        // From now on its file is a copy.
        Assert.Null((await b.StartAsync()).Problem);
        Assert.Equal((7, 1, 1), (b.Store.Current.PerIp, b.Aside.Count, b.Log.Texts.Count));
    }

    [Fact]
    public async Task Start_ManyAtOnceOnAnEmptyTable_OneFillsIt()
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        var relays = Enumerable.Range(1, 6).Select(i => PolicyRelay.Create(connection, $"node{i}")).ToList();
        try
        {
            for (var i = 0; i < relays.Count; i++)
            {
                relays[i].ChangeAlone(("per-ip", $"{i + 1}"));
            }

            var starts = await Task.WhenAll(relays.Select(relay => Task.Run(relay.StartAsync)));

            Assert.All(starts, start => Assert.Null(start.Problem));
            Assert.Single(relays.Select(relay => relay.Store.Current.PerIp).Distinct());
            Assert.Equal([1L, 2L], (await PolicyRelay.RowsAsync(connection)).Select(row => row.Position));
            Assert.Equal(5, relays.Sum(relay => relay.Aside.Count));
        }
        finally
        {
            foreach (var relay in relays)
            {
                await relay.DisposeAsync();
            }
        }
    }

    /// <summary>An administrator has emptied the table, or restored an older backup: the relays that run go on with one journal.</summary>
    [Fact]
    public async Task Table_EmptiedWhileRelaysRun_IsFilledAgain()
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        await using var a = await PolicyRelay.StartAsync(connection, "a");
        await using var b = await PolicyRelay.StartAsync(connection, "b");
        await a.ChangeAsync(("per-ip", "7"));
        await b.CatchUpAsync();
        await using (var beside = await PostgresServer.OpenAsync(connection))
        {
            Storage.TestDatabase.Do(beside, "DELETE FROM policy_journal");
        }

        await a.ChangeAsync(("total", "90"));
        await b.CatchUpAsync();

        Assert.Equal((7, 90, 3L), (b.Store.Current.PerIp, b.Store.Current.Total, b.Store.Current.Revision));
        Assert.Empty(b.Aside);
    }

    /// <summary>The database has the change: a full disk of a relay refuses nothing, and the copy is whole again afterwards.</summary>
    [Fact]
    public async Task Copy_CannotBeWritten_ChangesGoOnAndItIsWrittenWholeLater()
    {
        var connection = await PolicyRelay.CreateDatabaseAsync();
        await using var a = await PolicyRelay.StartAsync(connection, "a");
        var folder = Path.GetDirectoryName(a.File)!;
        File.Delete(a.File);
        Directory.CreateDirectory(a.File);
        await a.ChangeAsync(("per-ip", "7"));
        Assert.Contains("this relay's copy of the policy journal, cannot be written", Assert.Single(a.Log.Texts), StringComparison.Ordinal);
        Directory.Delete(a.File);
        await a.ChangeAsync(("per-ip", "8"));

        using var copy = new LimitPolicyStore(a.Options, a.Time, new PolicyJournal(a.File));
        Assert.Equal((8, 3L), (copy.Current.PerIp, copy.Current.Revision));
        Assert.Single(Directory.GetFiles(folder));
    }
}
