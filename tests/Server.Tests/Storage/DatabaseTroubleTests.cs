using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Relay.Storage;

namespace Server.Tests.Storage;

/// <summary>A full disk, a disk that hangs, and others who use the file.</summary>
public sealed class DatabaseTroubleTests
{
    private static readonly string Text = new('x', 2000);

    [Fact]
    public async Task RunAsync_DiskFull_FailsAndWorksAgainWhenThereIsRoom()
    {
        await using var test = await TestDatabase.StartAsync();
        await FillAsync(test);

        // Not one message among them takes effect by half.
        await Assert.ThrowsAsync<StorageException>(() => InsertAsync(test, 1000, 1003));
        Assert.DoesNotContain(await test.NumbersAsync(), number => number >= 1000);
        await test.DoAsync("PRAGMA max_page_count = 100000");
        await InsertAsync(test, 1000, 1003);
        Assert.Equal([1000, 1001, 1002, 1003], (await test.NumbersAsync()).Where(number => number >= 1000));
        Assert.Equal("ok", await test.AskAsync("PRAGMA integrity_check"));
    }

    [Fact]
    public async Task RunAsync_DiskFull_LosesNoneOfThoseThatFit()
    {
        await using var test = await TestDatabase.StartAsync();
        await FillAsync(test);
        await test.DoAsync("DELETE FROM numbers WHERE number < 6");
        using var block = await test.BlockAsync();
        var tasks = Enumerable.Range(2000, 20).Select(number => (Number: (long)number, Task: InsertAsync(test, number, number))).ToList();
        block.Set();
        await Task.WhenAll(tasks.Select(task => task.Task.ContinueWith(_ => { }, TaskScheduler.Default)));

        // Whatever was answered is there, whatever failed is not.
        Assert.Equal(
            tasks.Where(task => task.Task.IsCompletedSuccessfully).Select(task => task.Number),
            (await test.NumbersAsync()).Where(number => number >= 2000));
        Assert.Contains(tasks, task => task.Task.IsFaulted);
    }

    [Fact]
    public async Task RunAsync_DiskFull_IsLoggedOnceInAWhile()
    {
        var time = new FakeTimeProvider();
        await using var test = await TestDatabase.StartAsync(time: time);
        await FillAsync(test);
        var failures = test.Database.Failures;
        for (var i = 0; i < 5; i++)
        {
            await Assert.ThrowsAsync<StorageException>(() => InsertAsync(test, 1000, 1003));
        }

        Assert.Equal(failures + 5, test.Database.Failures);
        Assert.EndsWith("nothing of them took effect: SQLite Error 13: 'database or disk is full'.", Assert.Single(Errors(test)), StringComparison.Ordinal);
        time.Advance(TimeSpan.FromSeconds(10));
        await Assert.ThrowsAsync<StorageException>(() => InsertAsync(test, 1000, 1003));
        Assert.Equal(2, Errors(test).Count);
        Assert.Contains($"failed {failures + 5} pieces of work", Errors(test)[1], StringComparison.Ordinal);
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task RunAsync_DiskHangs_RefusesWhatIsTooMuch(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(options => options.MaxWaiting = 100, engine: engine);
        using var block = await test.BlockAsync();
        var waiting = Enumerable.Range(0, 100).Select(number => test.Database.RunAsync(connection => TestDatabase.Insert(connection, number))).ToList();

        await Assert.ThrowsAsync<StorageException>(() => test.Database.RunAsync(connection => TestDatabase.Insert(connection, 100)));
        Assert.Equal((100, 1L), (test.Database.Waiting, test.Database.Failures));
        Assert.Single(Errors(test));
        block.Set();
        await Task.WhenAll(waiting).WaitAsync(TestDatabase.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(101, await test.Database.RunAsync(connection => TestDatabase.Insert(connection, 101)));
        Assert.Equal(101, (await test.NumbersAsync()).Count);
    }

    [Fact]
    public async Task RunAsync_SomebodyElseWrites_WaitsForHim()
    {
        await using var test = await TestDatabase.StartAsync();
        using var beside = test.OpenBeside();
        TestDatabase.Do(beside, "BEGIN IMMEDIATE");
        var task = test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1));
        Assert.False(task.IsCompleted);
        TestDatabase.Do(beside, "ROLLBACK");

        Assert.Equal(1, await task.WaitAsync(TestDatabase.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task RunAsync_SomebodyElseReads_DoesNotWait()
    {
        await using var test = await TestDatabase.StartAsync();
        await test.DoAsync("INSERT INTO numbers (number) VALUES (1)");
        using var beside = test.OpenBeside();
        TestDatabase.Do(beside, "BEGIN");
        Assert.Equal("1", TestDatabase.Ask(beside, "SELECT count(*) FROM numbers"));

        await test.DoAsync("INSERT INTO numbers (number) VALUES (2)");
        Assert.Equal("1", TestDatabase.Ask(beside, "SELECT count(*) FROM numbers"));
        TestDatabase.Do(beside, "COMMIT");
        Assert.Equal("2", TestDatabase.Ask(beside, "SELECT count(*) FROM numbers"));
    }

    [Fact]
    public async Task Backup_WhileItRuns_IsWhole()
    {
        await using var test = await TestDatabase.StartAsync();
        await InsertAsync(test, 1, 50);
        var copy = $"{test.Options.File}.copy";
        using (var beside = test.OpenBeside())
        {
            TestDatabase.Do(beside, $"VACUUM INTO '{copy}'");
        }

        await InsertAsync(test, 51, 52);
        await using var restored = await TestDatabase.StartAsync();
        await restored.Database.StopAsync(CancellationToken.None);
        File.Copy(copy, restored.Options.File, overwrite: true);
        await restored.RestartAsync();
        Assert.Equal(50, (await restored.NumbersAsync()).Count);
    }

    // So far that a row of 2,000 letters finds no page any more.
    private static async Task FillAsync(TestDatabase test)
    {
        await test.DoAsync("PRAGMA max_page_count = 60");
        var number = 0;
        while (await InsertAsync(test, number, number).ContinueWith(task => task.IsCompletedSuccessfully, TaskScheduler.Default))
        {
            number++;
        }
    }

    private static Task<long> InsertAsync(TestDatabase test, long from, long to) => test.Database.RunAsync(connection =>
    {
        for (var number = from; number <= to; number++)
        {
            TestDatabase.Do(connection, $"INSERT INTO numbers VALUES ({number}, '{Text}')");
        }

        return to;
    }).WaitAsync(TestDatabase.Patience);

    private static List<string> Errors(TestDatabase test) =>
        [.. test.Log.Lines.Where(line => line.Level == LogLevel.Error).Select(line => line.Text)];
}
