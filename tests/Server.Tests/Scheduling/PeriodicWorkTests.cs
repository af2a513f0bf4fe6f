using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Relay.Scheduling;
using Server.Tests.Support;

namespace Server.Tests.Scheduling;

public sealed class PeriodicWorkTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly ListLogger<PeriodicWork> _log = new();
    private int _runs;

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task Start_RunsAtEachInterval_UntilStopped(bool atStart, int atOnce)
    {
        using var work = Work(_ => Task.FromResult(++_runs), atStart);
        await work.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(atOnce, _runs);

        Pass(3);
        Assert.Equal(atOnce + 3, _runs);

        await work.StopAsync(TestContext.Current.CancellationToken);
        Pass(3);
        Assert.Equal(atOnce + 3, _runs);
    }

    [Fact]
    public async Task Run_LongerThanTheInterval_IsNotOverlapped()
    {
        var (entered, release) = (0, new TaskCompletionSource());
        using var work = Work(_ =>
        {
            entered++;
            return release.Task;
        });
        await work.StartAsync(TestContext.Current.CancellationToken);
        Pass(5);
        Assert.Equal(1, entered);

        release.SetResult();
        Pass(1);
        Assert.Equal(2, entered);
    }

    /// <summary>Whether it throws at once or later: the next run comes, and a minute of failures is one line.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_Fails_IsLoggedOnceAMinuteAndGoesOn(bool isLater)
    {
        using var work = Work(_ =>
        {
            _runs++;
            var exception = new InvalidOperationException($"run {_runs}");
            return isLater ? Task.FromException(exception) : throw exception;
        });
        await work.StartAsync(TestContext.Current.CancellationToken);
        Pass(60);
        Assert.Equal(60, _runs);
        Assert.StartsWith("sample failed (1 times", Assert.Single(_log.Lines).Text, StringComparison.Ordinal);

        Pass(1);
        Assert.Equal(2, _log.Lines.Count);
        Assert.StartsWith("sample failed (60 times", _log.Lines[1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_DuringARun_EndsItAndWaits()
    {
        var ended = false;
        using var work = Work(async stop =>
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, _time, stop);
            }
            finally
            {
                ended = true;
            }
        });
        await work.StartAsync(TestContext.Current.CancellationToken);
        Pass(1);

        await work.StopAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.True(ended);
        Assert.Empty(_log.Lines);
    }

    /// <summary>Two registrations of one kind are two, each on the same object.</summary>
    [Fact]
    public async Task AddPeriodic_Twice_RunsBoth()
    {
        await using var services = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(_time)
            .AddSingleton<Counter>()
            .AddPeriodic<Counter>(Second, counter => counter.Count += 1)
            .AddPeriodic<Counter>(Second, (counter, _) => Task.FromResult(counter.Count += 100), atStart: true)
            .BuildServiceProvider();
        foreach (var hosted in services.GetServices<IHostedService>())
        {
            await hosted.StartAsync(TestContext.Current.CancellationToken);
        }

        Pass(2);
        Assert.Equal(302, services.GetRequiredService<Counter>().Count);
    }

    private PeriodicWork Work(Func<CancellationToken, Task> run, bool atStart = false) =>
        new("sample", Second, atStart, run, new PeriodicTimers(_time), _time, _log);

    private void Pass(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            _time.Advance(Second);
        }
    }

    private sealed class Counter
    {
        public int Count { get; set; }
    }
}
