using CsCheck;
using Relay.Configuration;

namespace Server.Tests.Configuration;

public sealed class DurationsTests
{
    private static readonly string[] Units = ["d", "h", "m", "s", "ms"];

    private static readonly TimeSpan[] Lengths =
        [TimeSpan.FromDays(1), TimeSpan.FromHours(1), TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(1)];

    [Theory]
    [InlineData("0", 0)]
    [InlineData("250ms", 250)]
    [InlineData("30s", 30_000)]
    [InlineData(" 30s ", 30_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("5m", 300_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1d12h", 129_600_000)]
    [InlineData("1d2h3m4s5ms", 93_784_005)]
    [InlineData("1m500ms", 60_500)]
    [InlineData("1h0.5m", 3_630_000)]
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
    [InlineData("36500d1h")]
    [InlineData("99999999999999999999999999999999d")]
    [InlineData("30m1h")]
    [InlineData("1h1h")]
    [InlineData("1h30")]
    [InlineData("1.5h30m")]
    [InlineData("1h 30m")]
    [InlineData("1..5s")]
    [InlineData(".s")]
    [InlineData("h30m")]
    [InlineData("1w")]
    [InlineData("00:01:30")]
    public void TryParse_NoDuration_IsFalse(string text) => Assert.False(Durations.TryParse(text, out _));

    [Fact]
    public void Format_AnyDuration_ComesBack() => Gen.Long[0, TimeSpan.FromDays(3000).Ticks].Sample(ticks =>
        Durations.TryParse(Durations.Format(TimeSpan.FromTicks(ticks)), out var again) && again.Ticks == ticks);

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-5_000, "0")]
    [InlineData(250, "250ms")]
    [InlineData(90_000, "1m30s")]
    [InlineData(60_500, "1m500ms")]
    [InlineData(86_400_000, "1d")]
    [InlineData(129_606_000, "1d12h6s")]
    public void Format_Milliseconds_NeedNoUnitThatIsZero(long milliseconds, string text) =>
        Assert.Equal(text, Durations.Format(TimeSpan.FromMilliseconds(milliseconds)));

    [Fact]
    public void TryParse_UnitsInOrder_AreAdded() => Gen.Select(Gen.Int[0, 500].Array[5], Gen.Bool.Array[5]).Sample((counts, given) =>
    {
        var parts = Enumerable.Range(0, Units.Length).Where(unit => given[unit]).ToArray();
        var text = string.Concat(parts.Select(unit => $"{counts[unit]}{Units[unit]}"));
        var backwards = string.Concat(parts.Reverse().Select(unit => $"{counts[unit]}{Units[unit]}"));
        return Durations.TryParse(text, out var duration) == parts.Length > 0
            && duration == parts.Aggregate(TimeSpan.Zero, (sum, unit) => sum + (counts[unit] * Lengths[unit]))
            && Durations.TryParse(backwards, out _) == (parts.Length == 1);
    });
}
