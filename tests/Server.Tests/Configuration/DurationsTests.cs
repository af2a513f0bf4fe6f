using CsCheck;
using Relay.Configuration;

namespace Server.Tests.Configuration;

public sealed class DurationsTests
{
    private static readonly string[] Units = ["ms", "s", "m", "h", "d"];

    [Theory]
    [InlineData("0", 0)]
    [InlineData("250ms", 250)]
    [InlineData("30s", 30_000)]
    [InlineData(" 30s ", 30_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("5m", 300_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("00:01:30", 90_000)]
    public void TryParse_Written_IsRead(string text, long milliseconds)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("5S")]
    [InlineData("1,000s")]
    [InlineData("1e3s")]
    [InlineData("NaNs")]
    [InlineData("5 minutes")]
    [InlineData("99999999999d")]
    public void TryParse_NoDuration_IsFalse(string text) => Assert.False(Durations.TryParse(text, out _));

    [Fact]
    public void Format_AnyDuration_ComesBack() => Gen.Long[0, TimeSpan.FromDays(3000).Ticks].Sample(ticks =>
        Durations.TryParse(Durations.Format(TimeSpan.FromTicks(ticks)), out var again) && again.Ticks == ticks);

    [Fact]
    public void Format_WholeUnits_ComeBack() => Gen.Select(Gen.Int[0, 4], Gen.Int[1, 1000]).Sample((unit, count) =>
        Durations.TryParse($"{count}{Units[unit]}", out var duration)
        && Durations.TryParse(Durations.Format(duration), out var again)
        && again == duration);
}
