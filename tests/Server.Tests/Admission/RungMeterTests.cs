using Microsoft.Extensions.Time.Testing;
using Relay.Admission;
using Relay.Limits;

namespace Server.Tests.Admission;

public sealed class RungMeterTests
{
    private static readonly RungThresholds Thresholds = new(Busy: 10, Flooded: 50, TimeSpan.FromSeconds(10));

    private readonly FakeTimeProvider _time = new();
    private RungMeter _meter;

    [Theory]
    [InlineData(9, "calm")]
    [InlineData(10, "busy")]
    [InlineData(49, "busy")]
    [InlineData(50, "flooded")]
    public void Count_WithinASecond_TakesTheRungAtOnce(int refusals, string rung)
    {
        Assert.Equal(rung, Rungs.Name(Count(refusals)));
        Assert.Equal(rung, Rungs.Name(Current()));
    }

    [Fact]
    public void Count_SameNumberOverManySeconds_StaysCalm()
    {
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(Rung.Calm, Count(5));
            _time.Advance(TimeSpan.FromSeconds(1.1));
        }
    }

    [Fact]
    public void Current_NoMoreRefusals_GoesDownOneByOne()
    {
        Count(50);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal(Rung.Flooded, Current());
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(Rung.Busy, Current());
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal(Rung.Busy, Current());
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(Rung.Calm, Current());
    }

    [Fact]
    public void Current_LongAfter_IsCalm()
    {
        Count(1000);
        _time.Advance(TimeSpan.FromDays(1));

        Assert.Equal(Rung.Calm, Current());
        Assert.Equal(Rung.Calm, Count(1));
    }

    // Hysteresis: a flood that wavers around a threshold does not flap.
    [Theory]
    [InlineData(25, "flooded")]
    [InlineData(24, "busy")]
    public void Count_StillHalfOfTheThreshold_KeepsTheRung(int perSecond, string rung)
    {
        Count(50);
        for (var i = 0; i < 15; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Count(perSecond);
        }

        Assert.Equal(rung, Rungs.Name(Current()));
    }

    private Rung Count(int times)
    {
        var rung = Rung.Calm;
        for (var i = 0; i < times; i++)
        {
            rung = _meter.Count(Thresholds, _time.GetTimestamp(), _time);
        }

        return rung;
    }

    private Rung Current() => _meter.Current(Thresholds, _time.GetTimestamp(), _time);
}
