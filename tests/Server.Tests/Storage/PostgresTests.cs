using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Relay.Storage;
using Relay.TestKit;

namespace Server.Tests.Storage;

/// <summary>A server that is restarted, hangs or cuts connections, and relays that share a database. Each test may have a server of its own.</summary>
public sealed class PostgresTests
{
    // A server that hangs is noticed after the statement's timeout.
    private static readonly TimeSpan LongPatience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task RunAsync_ServerKilledInMidTraffic_FailsAtOnceLosesNothingAndRecovers()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var test = await TestDatabase.StartAsync(await server.CreateDatabaseAsync());
        var number = 0L;
        var answered = new List<long>();
        for (var kill = 0; kill < 3; kill++)
        {
            var traffic = WriteUntilRefusedAsync();
            await UntilAsync(() => answered.Count >= 20 * (kill + 1));
            await server.KillAsync();
            await traffic.WaitAsync(LongPatience, TestContext.Current.CancellationToken);

            // Away: nobody waits, and one line says so.
            await UntilAsync(() => test.Database.IsAway);
            var (watch, failures) = (Stopwatch.StartNew(), test.Database.Failures);
            for (var i = 0; i < 1000; i++)
            {
                await Assert.ThrowsAsync<StorageException>(() => test.Database.RunAsync(_ => 1));
            }

            Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
            Assert.InRange(test.Database.Failures - failures, 1000, 1000 + 1);
            Assert.Equal(kill + 1, test.Log.Lines.Count(line => line.Level == LogLevel.Error));
            await server.RestartAsync();
            await UntilAsync(() => !test.Database.IsAway && test.Log.Texts[^1].Contains("can be reached again", StringComparison.Ordinal));
        }

        // What was answered is there; beside it at most the one of each kill whose answer was lost.
        var kept = await test.NumbersAsync();
        Assert.Empty(answered.Except(kept));
        Assert.InRange(kept.Count, answered.Count, answered.Count + 3);

        async Task WriteUntilRefusedAsync()
        {
            try
            {
                while (true)
                {
                    answered.Add(await test.Database.RunAsync(connection => TestDatabase.Insert(connection, ++number)));
                }
            }
            catch (StorageException)
            {
                // Killed.
            }
        }
    }

    [Fact]
    public async Task RunAsync_ConnectionCut_GoesOnWithoutAnError()
    {
        await using var test = await TestDatabase.StartAsync(engine: Engine.Postgres);
        for (var number = 1; number <= 3; number++)
        {
            var process = await test.AskAsync("SELECT pg_backend_pid()");
            using var beside = test.OpenBeside();
            Assert.Equal("True", TestDatabase.Ask(beside, $"SELECT pg_terminate_backend({process}, 5000)"));
            Assert.Equal(number, await test.Database.RunAsync(connection => TestDatabase.Insert(connection, number)));
            Assert.NotEqual(process, await test.AskAsync("SELECT pg_backend_pid()"));
        }

        Assert.Equal((0L, false), (test.Database.Failures, test.Database.IsAway));
        Assert.DoesNotContain(test.Log.Lines, line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task RunAsync_ServerProcessHangs_FailsInTimeAndGoesOnWithAnother()
    {
        await using var test = await TestDatabase.StartAsync(engine: Engine.Postgres);
        var process = await test.AskAsync("SELECT pg_backend_pid()");
        using var stop = Process.Start("kill", ["-s", "STOP", process!]);
        await stop.WaitForExitAsync(TestContext.Current.CancellationToken);
        try
        {
            await Assert.ThrowsAsync<StorageException>(() =>
                test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1)).WaitAsync(LongPatience, TestContext.Current.CancellationToken));
            Assert.Equal(2, await test.Database.RunAsync(connection => TestDatabase.Insert(connection, 2)).WaitAsync(LongPatience, TestContext.Current.CancellationToken));
        }
        finally
        {
            using var kill = Process.Start("kill", ["-s", "CONT", process!]);
            await kill.WaitForExitAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task RunAsync_SomebodyLocksTheTable_FailsInTimeAndAlone()
    {
        await using var test = await TestDatabase.StartAsync(engine: Engine.Postgres);
        using var beside = test.OpenBeside();
        TestDatabase.Do(beside, "BEGIN; LOCK TABLE numbers");

        var failure = await Assert.ThrowsAsync<StorageException>(() =>
            test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1)).WaitAsync(LongPatience, TestContext.Current.CancellationToken));
        Assert.Contains("lock timeout", failure.Message, StringComparison.Ordinal);
        TestDatabase.Do(beside, "ROLLBACK");
        Assert.Equal(1, await test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1)));
    }

    /// <summary>Other relays wait for the rows that it changes: on a slow server a batch ends before they give up.</summary>
    [Fact]
    public async Task RunAsync_BatchTakesLong_IsCommittedInParts()
    {
        var time = new FakeTimeProvider();
        await using var test = await TestDatabase.StartAsync(time: time, engine: Engine.Postgres);
        var before = test.Database.Counts;
        using var block = await test.BlockAsync();
        var works = Enumerable.Range(0, 6).Select(number => test.Database.RunAsync(connection =>
        {
            time.Advance(TimeSpan.FromMilliseconds(300));
            return TestDatabase.Insert(connection, number);
        })).ToList();
        block.Set();
        await Task.WhenAll(works).WaitAsync(LongPatience, TestContext.Current.CancellationToken);

        // What has blocked it, and two at a time.
        Assert.Equal((1 + 3, 1 + 6), (test.Database.Counts.Commits - before.Commits, test.Database.Counts.Work - before.Work));
        Assert.Equal([0, 1, 2, 3, 4, 5], await test.NumbersAsync());
    }

    /// <summary>Each has what the other wants next: the server ends one of them, and it is done again.</summary>
    [Fact]
    public async Task RunAsync_DeadlockWithAnotherRelay_BothSucceed()
    {
        await using var first = await TestDatabase.StartAsync(engine: Engine.Postgres);
        await using var second = await first.JoinAsync();
        await first.DoAsync("INSERT INTO numbers VALUES (1, ''), (2, '')");
        using var meet = new Barrier(2);
        var runs = 0;

        Task<int> Change(TestDatabase test, int one, int other) => test.Database.RunAsync(connection =>
        {
            TestDatabase.Do(connection, $"UPDATE numbers SET text = text || 'x' WHERE number = {one}");
            if (Interlocked.Increment(ref runs) <= 2)
            {
                Assert.True(meet.SignalAndWait(TestDatabase.Patience));
            }

            return TestDatabase.Do(connection, $"UPDATE numbers SET text = text || 'x' WHERE number = {other}");
        });

        await Task.WhenAll(Change(first, 1, 2), Change(second, 2, 1)).WaitAsync(LongPatience, TestContext.Current.CancellationToken);

        // The server may end either, and both.
        Assert.InRange(runs, 3, 6);
        Assert.Equal("xx xx", await first.AskAsync("SELECT string_agg(text, ' ') FROM numbers"));
    }

    [Fact]
    public async Task Start_ManyAtOnce_MigrateOnceAndHaveNumbersOfTheirOwn()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        var tests = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var database = new Database(new StorageOptions { Connection = connection }, TimeProvider.System, new Support.ListLogger<Database>());
            await database.StartAsync(CancellationToken.None);
            return database;
        }))).WaitAsync(LongPatience, TestContext.Current.CancellationToken);

        Assert.Equal(8, tests.Select(test => test.Own(1)).Distinct().Count());
        Assert.All(tests, test => Assert.Equal((true, 7L), (test.IsOwn(test.Own(7)), Starts.NumberOf(test.Own(7)))));
        Assert.All(tests, test => Assert.Single(tests, other => other.IsOwn(test.Own(7))));
        foreach (var test in tests)
        {
            await test.StopAsync(CancellationToken.None);
        }

        await using var beside = await PostgresServer.OpenAsync(connection);
        Assert.Equal(Migrations.Embedded.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), TestDatabase.Ask(beside, "SELECT count(*) FROM schema_version"));
    }

    [Fact]
    public async Task Size_Measured_IsThatOfTheTables()
    {
        await using var test = await TestDatabase.StartAsync(engine: Engine.Postgres);
        var before = test.Database.Size;
        await test.DoAsync("INSERT INTO numbers SELECT n, repeat('x', 1000) FROM generate_series(1, 1000) n");
        await test.Database.MeasureAsync();

        Assert.InRange(before, 1, test.Database.Size - 1_000_000);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var patience = new CancellationTokenSource(LongPatience);
        while (!condition())
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }
}
