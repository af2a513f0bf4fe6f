using System.Data.Common;
using Microsoft.Extensions.Time.Testing;
using Relay.Storage;

namespace Server.Tests.Storage;

/// <summary>Work, batches, and the order of things from start to stop.</summary>
public sealed class DatabaseTests
{
    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task RunAsync_Answered_IsThereAfterARestart(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(engine: engine);
        Assert.Equal(7, await test.Database.RunAsync(connection => TestDatabase.Insert(connection, 7)));

        await test.RestartAsync();

        Assert.Equal([7], await test.NumbersAsync());
    }

    [Fact]
    public async Task RunAsync_Answered_WasFlushed()
    {
        await using var test = await TestDatabase.StartAsync();

        // 2: FULL, which flushes the write-ahead log at every commit.
        Assert.Equal(("wal", "2"), (await test.AskAsync("PRAGMA journal_mode"), await test.AskAsync("PRAGMA synchronous")));
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task RunAsync_WorkThatThrows_TakesBackOnlyItsOwn(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(time: new FakeTimeProvider(), engine: engine);
        using var block = await test.BlockAsync();
        var before = test.Database.Counts;
        var good = test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1));
        var bad = test.Database.RunAsync(connection =>
        {
            TestDatabase.Insert(connection, 2);
            return TestDatabase.Insert(connection, 1);
        });
        var worse = test.Database.RunAsync<int>(connection =>
        {
            TestDatabase.Insert(connection, 3);
            throw new InvalidOperationException("a defect");
        });
        var last = test.Database.RunAsync(connection => TestDatabase.Insert(connection, 4));
        Assert.Equal(4, test.Database.Waiting);
        block.Set();

        Assert.Equal((1, 4), (await good, await last));
        Assert.Contains("unique", (await Assert.ThrowsAnyAsync<DbException>(() => bad)).Message, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("a defect", (await Assert.ThrowsAsync<InvalidOperationException>(() => worse)).Message);
        var after = test.Database.Counts;
        Assert.Equal([1, 4], await test.NumbersAsync());
        Assert.Equal((2, 5), (after.Commits - before.Commits, after.Work - before.Work));
        Assert.Equal((0, 0L), (test.Database.Waiting, test.Database.Failures));
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task RunAsync_CommitFails_FailsTheWholeBatchAndNotTheNext(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(engine: engine);
        await test.DoAsync("CREATE TABLE children (parent INTEGER REFERENCES numbers (number) DEFERRABLE INITIALLY DEFERRED)");
        using var block = await test.BlockAsync();
        var first = test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1));
        var second = test.Database.RunAsync(connection => TestDatabase.Do(connection, "INSERT INTO children VALUES (99)"));
        block.Set();

        await Assert.ThrowsAsync<StorageException>(() => first);
        await Assert.ThrowsAsync<StorageException>(() => second);
        Assert.Equal(2, test.Database.Failures);
        Assert.Equal(2, await test.Database.RunAsync(connection => TestDatabase.Insert(connection, 2)));
        Assert.Equal([2], await test.NumbersAsync());
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task RunAsync_ManyCallers_EachGetsItsOwnAndTheyShareTransactions(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(time: new FakeTimeProvider(), engine: engine);
        using var block = await test.BlockAsync();
        var before = test.Database.Counts;
        var tasks = Enumerable.Range(0, 1000).AsParallel().AsOrdered().WithDegreeOfParallelism(4)
            .Select(number => test.Database.RunAsync(connection => TestDatabase.Insert(connection, number))).ToList();
        block.Set();

        Assert.Equal(
            Enumerable.Range(0, 1000),
            await Task.WhenAll(tasks).WaitAsync(TestDatabase.Patience, TestContext.Current.CancellationToken));
        var after = test.Database.Counts;
        Assert.Equal(1000, (await test.NumbersAsync()).Count);

        // The block's own, and a thousand by 256.
        Assert.Equal((5, 1001), (after.Commits - before.Commits, after.Work - before.Work));
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task RunAsync_OneCaller_KeepsTheOrder(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(options => options.BatchSize = 7, engine: engine);
        var order = new List<int>();
        await Task.WhenAll(Enumerable.Range(0, 500).Select(number => test.Database.RunAsync(_ =>
        {
            order.Add(number);
            return number;
        }))).WaitAsync(TestDatabase.Patience, TestContext.Current.CancellationToken);

        Assert.Equal(Enumerable.Range(0, 500), order);
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task RunAsync_Awaited_DoesNotGoOnOnTheDatabaseThread(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(engine: engine);
        for (var i = 0; i < 50; i++)
        {
            // Would run at once where the task is ended, were that allowed.
            var goesOn = test.Database.RunAsync(_ => Environment.CurrentManagedThreadId).ContinueWith(
                task => (Database: task.Result, Caller: Environment.CurrentManagedThreadId),
                CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            var (database, caller) = await goesOn;
            Assert.NotEqual(database, caller);
        }
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Stop_WorkQueued_IsFinishedFirst(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(engine: engine);
        using var block = await test.BlockAsync();
        var tasks = Enumerable.Range(0, 600).Select(number => test.Database.RunAsync(connection => TestDatabase.Insert(connection, number))).ToList();
        var stopping = test.Database.StopAsync(CancellationToken.None);
        await Assert.ThrowsAsync<StorageException>(() => test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1000)));
        Assert.False(stopping.IsCompleted);
        block.Set();
        await stopping.WaitAsync(TestDatabase.Patience, TestContext.Current.CancellationToken);

        Assert.All(tasks, task => Assert.True(task.IsCompletedSuccessfully));
        using var beside = test.OpenBeside();
        Assert.Equal("600", TestDatabase.Ask(beside, "SELECT count(*) FROM numbers"));
        Assert.Equal(0, test.Database.Waiting);
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Stop_Twice_IsQuiet(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(engine: engine);
        await test.Database.StopAsync(CancellationToken.None);
        await test.Database.StopAsync(CancellationToken.None);
        test.Database.Dispose();
    }

    [Fact]
    public async Task Dispose_NeverStarted_FailsWhatWaits()
    {
        await using var test = TestDatabase.NotStarted();
        var task = test.Database.RunAsync(_ => 1);
        test.Database.Dispose();

        await Assert.ThrowsAsync<StorageException>(() => task.WaitAsync(TestDatabase.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(0, test.Database.Waiting);
    }
}
