using Microsoft.Extensions.Time.Testing;
using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Admission;

public sealed class OverloadMeterTests
{
    private static readonly OverloadThresholds Thresholds = new(Elevated: 10, Critical: 50, TimeSpan.FromSeconds(10));

    private readonly FakeTimeProvider _time = new();
    private OverloadMeter _meter;

    [Theory]
    [InlineData(9, "normal")]
    [InlineData(10, "elevated")]
    [InlineData(49, "elevated")]
    [InlineData(50, "critical")]
    public void Count_WithinASecond_TakesTheRungAtOnce(int refusals, string level)
    {
        Assert.Equal(level, OverloadLevels.Name(Count(refusals)));
        Assert.Equal(level, OverloadLevels.Name(Current()));
    }

    [Fact]
    public void Count_SameNumberOverManySeconds_StaysCalm()
    {
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(OverloadLevel.Normal, Count(5));
            _time.Advance(TimeSpan.FromSeconds(1.1));
        }
    }

    [Fact]
    public void Current_NoMoreRefusals_GoesDownOneByOne()
    {
        Count(50);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal(OverloadLevel.Critical, Current());
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(OverloadLevel.Elevated, Current());
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal(OverloadLevel.Elevated, Current());
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(OverloadLevel.Normal, Current());
    }

    [Fact]
    public void Current_LongAfter_IsCalm()
    {
        Count(1000);
        _time.Advance(TimeSpan.FromDays(1));

        Assert.Equal(OverloadLevel.Normal, Current());
        Assert.Equal(OverloadLevel.Normal, Count(1));
    }

    // Hysteresis: a flood that wavers around a threshold does not flap.
    [Theory]
    [InlineData(25, "critical")]
    [InlineData(24, "elevated")]
    public void Count_StillHalfOfTheThreshold_KeepsTheRung(int perSecond, string level)
    {
        Count(50);
        for (var i = 0; i < 15; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Count(perSecond);
        }

        Assert.Equal(level, OverloadLevels.Name(Current()));
    }

    private OverloadLevel Count(int times)
    {
        var level = OverloadLevel.Normal;
        for (var i = 0; i < times; i++)
        {
            level = _meter.Count(Thresholds, _time.GetTimestamp(), _time);
        }

        return level;
    }

    private OverloadLevel Current() => _meter.Current(Thresholds, _time.GetTimestamp(), _time);
}
