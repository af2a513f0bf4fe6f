using CsCheck;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminCli;
using Relay.Configuration;

namespace AdminCli.Tests;

public sealed class UnitsTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(999, "999")]
    [InlineData(9_812, "9,812")]
    [InlineData(-1_204, "-1,204")]
    [InlineData(long.MaxValue, "9,223,372,036,854,775,807")]
    public void Count_AnyNumber_HasThousandsSeparated(long value, string expected) => Assert.Equal(expected, Units.Count(value));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(12, "12")]
    [InlineData(2.5, "2.5")]
    [InlineData(2.126, "2.13")]
    [InlineData(10_000, "10000")]
    public void PlainNumber_OfAClient_NeedNotBeWhole(double value, string expected) => Assert.Equal(expected, Units.PlainNumber(value));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1, "1 B")]
    [InlineData(1023, "1,023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(10_188, "9.9 KiB")]
    [InlineData(10_200, "10 KiB")]
    [InlineData(1_048_575, "1.0 MiB")]
    [InlineData(222_298_112, "212 MiB")]
    [InlineData(1_073_741_824, "1.0 GiB")]
    [InlineData(1e18, "888 PiB")]
    [InlineData(9.3e18, "8.1 EiB")]
    public void Bytes_AnySize_HasBinaryUnit(double bytes, string expected) => Assert.Equal(expected, Units.Bytes(bytes));

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(59, "59s")]
    [InlineData(60, "1m")]
    [InlineData(3_599, "59m59s")]
    [InlineData(3_600, "1h")]
    [InlineData(14_706, "4h5m6s")]
    [InlineData(86_399, "23h59m59s")]
    [InlineData(86_400, "1d")]
    [InlineData(273_959, "3d4h5m")]
    [InlineData(99_999_999, "1157d9h46m")]
    [InlineData(-5, "0s")]
    public void Duration_AnyLength_HasThreeUnitsAtMost(long seconds, string expected) =>
        Assert.Equal(expected, Units.Duration(new Duration { Seconds = seconds }));

    [Fact]
    public void Duration_AnyLength_IsWhatAnOptionTakes() => Gen.Long[0, 3650L * 86_400].Sample(seconds =>
        Durations.TryParse(Units.Duration(new Duration { Seconds = seconds }), out var again)
        && again == TimeSpan.FromSeconds(seconds < 86_400 ? seconds : seconds / 60 * 60));

    [Fact]
    public void Time_InAnyZone_IsUtcAndSaysSo()
    {
        var time = new DateTimeOffset(2026, 11, 28, 7, 5, 9, 45, TimeSpan.FromHours(2)).ToTimestamp();
        Assert.Equal("2026-11-28T05:05:09Z", Units.Time(time));
        Assert.Equal("2026-11-28T05:05:09.045Z", Units.ExactTime(time));
        Assert.Equal("-", Units.Time(null));
    }

    [Fact]
    public void Duration_Absent_IsASign() => Assert.Equal("-", Units.Duration(null));

    [Theory]
    [InlineData(1_000, 1_000, "0s ago")]
    [InlineData(1_000, 1_065, "1m5s ago")]
    [InlineData(1_000, 990, "0s ago")]
    public void Ago_ClocksThatDiffer_NeverNegative(long then, long now, string expected) =>
        Assert.Equal(expected, Units.Ago(new Timestamp { Seconds = then }, DateTimeOffset.FromUnixTimeSeconds(now)));

    // A ban's end is a whole second; asked for an hour, nobody expects "1h1s".
    [Theory]
    [InlineData(4_600, 1_000.0, "in 1h")]
    [InlineData(4_600, 999.6, "in 1h")]
    [InlineData(4_600, 1_000.4, "in 59m59s")]
    [InlineData(1_000, 999.5, "now")]
    [InlineData(1_000, 1_065.0, "now")]
    public void In_PartsOfASecond_AreDropped(long then, double now, string expected) =>
        Assert.Equal(expected, Units.In(new Timestamp { Seconds = then }, DateTimeOffset.UnixEpoch.AddSeconds(now)));

    [Fact]
    public void Ago_Absent_IsNever() => Assert.Equal("never", Units.Ago(null, DateTimeOffset.UnixEpoch));

    [Theory]
    [InlineData(null, "-", "-")]
    [InlineData(0.0, "0.0/s", "0 B/s")]
    [InlineData(12.34, "12.3/s", "12 B/s")]
    [InlineData(99.94, "99.9/s", "100 B/s")]
    [InlineData(99.96, "100/s", "100 B/s")]
    [InlineData(123_456.0, "123,456/s", "121 KiB/s")]
    public void Rate_AnySpeed_IsPerSecond(double? perSecond, string count, string bytes)
    {
        Assert.Equal(count, Units.Rate(perSecond));
        Assert.Equal(bytes, Units.ByteRate(perSecond));
    }

    [Theory]
    [InlineData(0, 10, "0%")]
    [InlineData(9_999, 10_000, "99%")]
    [InlineData(10_000, 10_000, "100%")]
    [InlineData(12_000, 10_000, "120%")]
    [InlineData(1, 0, "-")]
    [InlineData(2.5, 10, "25%")]
    public void Share_OfALimit_IsFullOnlyWhenFull(double part, double whole, string expected) => Assert.Equal(expected, Units.Share(part, whole));
}
