using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Rendezvous;
using Relay.Scheduling;
using Server.Tests.Storage;

namespace Server.Tests.Rendezvous;

public sealed class RendezvousCleanerTests
{
    private static readonly RowOwner Name = new("AAAAAA", "code:key");

    private readonly FakeTimeProvider _time = new();
    private readonly RendezvousOptions _options = new() { RowsPerIdentity = 100_000 };

    [Fact]
    public async Task Start_TokensLeftByAKilledRelay_AreGoneAndTheRowsCounted()
    {
        await using var test = await TestDatabase.StartAsync(time: _time);
        var store = new RendezvousStore(test.Database, _options, _time);
        for (var i = 0; i < 15; i++)
        {
            await RegisterAsync(store, i);
        }

        await test.DoAsync("UPDATE meeting_counts SET total = 7, weight = 7");
        var cleaner = new RendezvousCleaner(store, new RelayState());
        await cleaner.StartAsync(TestContext.Current.CancellationToken);

        Assert.Equal(new RendezvousCounts(750, 0, 0, 0), store.Counts());
        Assert.Equal("750 0", await test.AskAsync("SELECT count(*) || ' ' || sum(kind) FROM meeting_points"));
        Assert.Equal("750", await test.AskAsync("SELECT sum(weight) FROM meeting_counts"));
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Tick_MuchHasExpired_IsRemovedBitByBit(Engine engine)
    {
        await using var test = await TestDatabase.StartAsync(time: _time, engine: engine);
        var store = new RendezvousStore(test.Database, _options, _time);
        var cleaner = new RendezvousCleaner(store, new RelayState());
        await cleaner.StartAsync(TestContext.Current.CancellationToken);
        using var ticking = StartTicking(cleaner, _options);
        for (var i = 0; i < 22; i++)
        {
            await RegisterAsync(store, i);
        }

        _time.Advance(_options.HourlyTokenLifetime);
        await RowsAsync(store, (1100, 0));
        await RegisterAsync(store, 22);
        var before = test.Database.Counts.Work;
        _time.Advance(_options.DailyPointLifetime - _options.HourlyTokenLifetime);
        await RowsAsync(store, (50, 0));

        // 1,100 points and the 50 tokens of the last, by 500.
        await UntilAsync(() => test.Database.Counts.Work - before >= 3);
        await ticking.StopAsync(TestContext.Current.CancellationToken);
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Tick_DatabaseFails_TriesAgainAtTheNext(Engine engine)
    {
        // All of one length, so that one step of the clock is one tick.
        var hour = TimeSpan.FromHours(1);
        var options = new RendezvousOptions { DailyPointLifetime = hour, HourlyTokenLifetime = hour, CleanupInterval = hour };
        await using var test = await TestDatabase.StartAsync(storage => storage.MaxWaiting = 100, _time, engine);
        var store = new RendezvousStore(test.Database, options, _time);
        var cleaner = new RendezvousCleaner(store, new RelayState());
        await cleaner.StartAsync(TestContext.Current.CancellationToken);
        using var ticking = StartTicking(cleaner, options);
        await RegisterAsync(store, 0);
        using (var block = await test.BlockAsync())
        {
            for (var i = 0; i < 100; i++)
            {
                _ = test.Database.RunAsync(_ => i);
            }

            _time.Advance(hour);
            await UntilAsync(() => test.Database.Failures > 0);
            block.Set();
            await UntilAsync(() => test.Database.Waiting == 0);
        }

        Assert.Equal(100, store.Counts().DailyPoints + store.Counts().HourlyTokens);
        _time.Advance(hour);
        await RowsAsync(store, (0, 0));
        await ticking.StopAsync(TestContext.Current.CancellationToken);
    }

    private PeriodicWork StartTicking(RendezvousCleaner cleaner, RendezvousOptions options)
    {
        var work = new PeriodicWork("cleaner", options.CleanupInterval, atStart: false, cleaner.CleanAsync, new PeriodicTimers(_time), _time, NullLogger<PeriodicWork>.Instance);
        work.StartAsync(TestContext.Current.CancellationToken);
        return work;
    }

    private static Task<Findings> RegisterAsync(RendezvousStore store, int number)
    {
        var hashes = Enumerable.Range(number * 50, 50).Select(hash => $"{hash}").ToList();
        return store.RegisterAsync(new Registration(Name, Name, 1, IpKey.FromIpv4(1), new RendezvousRequest("", [.. hashes.Select(hash => (hash, ""))], hashes)));
    }

    private static Task RowsAsync(RendezvousStore store, (long Points, long Tokens) rows) =>
        UntilAsync(() => store.Counts() is var counts && (counts.DailyPoints, counts.HourlyTokens) == rows);

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var patience = new CancellationTokenSource(TestDatabase.Patience);
        while (!condition())
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }
}
