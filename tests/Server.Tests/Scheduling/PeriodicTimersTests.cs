using Microsoft.Extensions.Time.Testing;
using Relay.Scheduling;

namespace Server.Tests.Scheduling;

public sealed class PeriodicTimersTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _calls = [];
    private readonly PeriodicTimers _timers;

    public PeriodicTimersTests() => _timers = new PeriodicTimers(_time);

    [Fact]
    public void Start_Several_EachAtItsInterval()
    {
        using var one = _timers.Start(Second, () => _calls.Add("one"));
        using var two = _timers.Start(Second, () => _calls.Add("two"));
        using var slow = _timers.Start(3 * Second, () => _calls.Add("slow"));
        for (var i = 0; i < 3; i++)
        {
            _time.Advance(Second);
        }

        Assert.Equal(["one", "one", "one", "slow", "two", "two", "two"], _calls.Order());
    }

    [Fact]
    public void Dispose_One_TheOthersGoOn()
    {
        using var one = _timers.Start(Second, () => _calls.Add("one"));
        var two = _timers.Start(Second, () => _calls.Add("two"));
        two.Dispose();
        two.Dispose();
        _time.Advance(Second);

        Assert.Equal(["one"], _calls);
    }

    [Fact]
    public void Dispose_TheLast_TheNextStartsAnew()
    {
        _timers.Start(Second, () => _calls.Add("first")).Dispose();
        _time.Advance(Second);
        using var next = _timers.Start(Second, () => _calls.Add("next"));
        _time.Advance(Second);

        Assert.Equal(["next"], _calls);
    }

    [Fact]
    public async Task Dispose_DuringACall_WaitsForIt()
    {
        using var entered = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var isOver = false;
        var subscription = _timers.Start(Second, () =>
        {
            entered.Set();
            release.Wait(Patience, TestContext.Current.CancellationToken);
            isOver = true;
        });
        var call = Task.Run(() => _time.Advance(Second), TestContext.Current.CancellationToken);
        Assert.True(entered.Wait(Patience, TestContext.Current.CancellationToken));
        var disposal = Task.Run(
            () =>
            {
                subscription.Dispose();
                return isOver;
            },
            TestContext.Current.CancellationToken);
        release.Set();

        Assert.True(await disposal.WaitAsync(Patience, TestContext.Current.CancellationToken));
        await call;
    }
}
