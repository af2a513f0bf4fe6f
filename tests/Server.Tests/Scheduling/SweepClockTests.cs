using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Scheduling;

namespace Server.Tests.Scheduling;

public sealed class SweepClockTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly SweepClock _clock;

    public SweepClockTests() => _clock = new SweepClock(_time);

    [Theory]
    [InlineData(0.1, false)]
    [InlineData(1, false)]
    [InlineData(1.01, true)]
    [InlineData(3600, true)]
    public void Begin_SoLongAfterTheLast_IsLateOrNot(double seconds, bool isLate)
    {
        Sweep(seconds);
        Assert.Equal(isLate, _clock.IsLate);

        Sweep(0.5);
        Assert.False(_clock.IsLate);
    }

    [Fact]
    public void Elapsed_AcrossAStall_LeavesItAndTheMomentAfterItOut()
    {
        var start = _time.GetTimestamp();
        Sweep(0.5);
        Sweep(100);
        Assert.Equal((TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(100.5)), (_clock.Elapsed(start), _clock.RealTime(start)));

        var afterwards = _time.GetTimestamp();
        Sweep(1);
        Sweep(1);
        Assert.Equal((TimeSpan.FromSeconds(0.5), TimeSpan.Zero), (_clock.Elapsed(start), _clock.Elapsed(afterwards)));

        Sweep(1);
        Sweep(1);
        Assert.Equal((TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(1)), (_clock.Elapsed(start), _clock.Elapsed(afterwards)));
    }

    // A relay that always stalls still gets rid of the dead.
    [Fact]
    public void Elapsed_StallsWithoutEnd_GrowsAllTheSame()
    {
        var start = _time.GetTimestamp();
        for (var i = 0; i < 100; i++)
        {
            Sweep(2);
        }

        Assert.InRange(_clock.Elapsed(start), TimeSpan.FromSeconds(150), TimeSpan.FromSeconds(200));
    }

    [Fact]
    public void Elapsed_AnyGaps_IsTheTimeThatWasWatched() => Gen.Select(Gen.Int[1, 6_000].Array[1, 8], Gen.Int[0, 7]).Sample((gaps, from) =>
    {
        var time = new FakeTimeProvider();
        var clock = new SweepClock(time);
        var since = time.GetTimestamp();
        var (watched, settling) = (TimeSpan.Zero, TimeSpan.Zero);
        for (var i = 0; i < gaps.Length; i++)
        {
            if (i == from)
            {
                (since, watched) = (time.GetTimestamp(), TimeSpan.Zero);
            }

            var gap = TimeSpan.FromMilliseconds(gaps[i]);
            time.Advance(gap);
            clock.Begin();
            if (gap > SweepClock.MostBetween)
            {
                settling = SweepClock.Settling;
            }
            else
            {
                var settled = gap < settling ? gap : settling;
                (watched, settling) = (watched + gap - settled, settling - settled);
            }

            Assert.Equal(watched, clock.Elapsed(since));
        }
    });

    private void Sweep(double seconds)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        _clock.Begin();
    }
}
