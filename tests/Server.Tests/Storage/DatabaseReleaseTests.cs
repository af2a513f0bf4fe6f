using Relay.Storage;

namespace Server.Tests.Storage;

/// <summary>A database that another process has for a while, or from then on.</summary>
public sealed class DatabaseReleaseTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Release_UntilItComesBack_LeavesTheFileToOthersAndLosesNothing()
    {
        await using var test = await TestDatabase.StartAsync(options => options.BatchSize = 1);
        using var block = await test.BlockAsync();
        _ = test.Database.RunAsync(connection => TestDatabase.Insert(connection, 0));
        var before = test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1));
        var release = test.Database.Release()!;
        Assert.False(release.Closed.IsCompleted);
        block.Set();
        await release.Closed.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.True(before.IsCompleted);
        Assert.Equal(1, await before);

        var meanwhile = test.Database.RunAsync(connection => TestDatabase.Insert(connection, 3));
        using (var other = DatabaseFile.Open(test.Options.File, TimeProvider.System))
        {
            TestDatabase.Insert(other.Connection, 2);
        }

        Assert.False(meanwhile.IsCompleted);
        release.End(comesBack: true);

        Assert.Equal(3, await meanwhile.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal([0, 1, 2, 3], await test.NumbersAsync());
        Assert.False(test.Database.IsAway);
    }

    [Fact]
    public async Task Release_ForGood_FailsWhatWaitsAndWhatComes()
    {
        await using var test = await TestDatabase.StartAsync();
        var release = test.Database.Release()!;
        await release.Closed.WaitAsync(Patience, TestContext.Current.CancellationToken);
        var meanwhile = test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1));

        release.End(comesBack: false);

        await Assert.ThrowsAsync<StorageException>(() => meanwhile.WaitAsync(Patience, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<StorageException>(() => test.Database.RunAsync(connection => TestDatabase.Insert(connection, 2)));
        using var other = DatabaseFile.Open(test.Options.File, TimeProvider.System);
        await test.Database.StopAsync(TestContext.Current.CancellationToken);
    }

    // The other process is not gone yet; as soon as it is, all goes on.
    [Fact]
    public async Task Release_OtherStillHasTheFile_ComesBackWhenItIsFree()
    {
        await using var test = await TestDatabase.StartAsync();
        var release = test.Database.Release()!;
        await release.Closed.WaitAsync(Patience, TestContext.Current.CancellationToken);
        using (DatabaseFile.Open(test.Options.File, TimeProvider.System))
        {
            release.End(comesBack: true);
            await UntilAsync(() => test.Database.IsAway);
            await Assert.ThrowsAsync<StorageException>(() => test.Database.RunAsync(connection => TestDatabase.Insert(connection, 1)));
        }

        await UntilAsync(() => !test.Database.IsAway);
        Assert.Equal(2, await test.Database.RunAsync(connection => TestDatabase.Insert(connection, 2)));
    }

    [Fact]
    public async Task Stop_WhileItIsReleased_WaitsForTheEnd()
    {
        await using var test = await TestDatabase.StartAsync();
        var release = test.Database.Release()!;
        await release.Closed.WaitAsync(Patience, TestContext.Current.CancellationToken);
        var stopping = test.Database.StopAsync(TestContext.Current.CancellationToken);

        release.End(comesBack: true);

        await stopping.WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var cancel = new CancellationTokenSource(Patience);
        while (!condition())
        {
            await timer.WaitForNextTickAsync(cancel.Token);
        }
    }
}
