using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Relay.Configuration;

namespace Relay.AdminCli;

/// <summary>Numbers for operators: thousands separated, bytes in binary units, durations and times as options take them.</summary>
internal static class Units
{
    public const string Unknown = "-";

    private const string Never = "never";
    private const string Now = "now";

    private const long SecondsPerDay = 86_400;

    private static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>For numbers that a client gave, which need not be whole: "12", "2.5".</summary>
    public static string PlainNumber(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>For a table, of which scripts read the columns: without separators.</summary>
    public static string Plain(long value) => value.ToString(CultureInfo.InvariantCulture);

    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>"512 B", "1.5 KiB", "212 MiB": one decimal below ten.</summary>
    public static string Bytes(double bytes)
    {
        var unit = 0;
        // 1023.5 and not 1024: what would be rounded to "1,024 KiB" is "1.0 MiB".
        while (Math.Abs(bytes) >= 1023.5 && unit < ByteUnits.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        var format = unit > 0 && Math.Abs(bytes) < 9.95 ? "0.0" : "N0";
        return $"{bytes.ToString(format, CultureInfo.InvariantCulture)} {ByteUnits[unit]}";
    }

    /// <summary>"3d4h5m", "4h5m6s", "6s", as options take it: whole minutes from a day on, else whole seconds.</summary>
    public static string Duration(Duration? duration)
    {
        if (duration is null)
        {
            return Unknown;
        }

        var unit = duration.Seconds < SecondsPerDay ? 1 : 60;
        return duration.Seconds <= 0 ? "0s" : Durations.Format(TimeSpan.FromSeconds(duration.Seconds / unit * unit));
    }

    public static string Duration(TimeSpan duration) => Duration(duration.ToDuration());

    /// <summary>"5m6s ago"; a time that lies ahead, as clocks that differ make it, is "0s ago".</summary>
    public static string Ago(Timestamp? time, DateTimeOffset now) => time is null ? Never : $"{Since(time, now)} ago";

    /// <summary>The same in one word, for a table.</summary>
    public static string Since(Timestamp? time, DateTimeOffset now) =>
        time is null ? Never : Duration(new Duration { Seconds = now.ToUnixTimeSeconds() - time.Seconds });

    /// <summary>"in 5m6s"; a time that is over is "now".</summary>
    public static string In(Timestamp time, DateTimeOffset now) => Left(time, now) is var left && left == Now ? Now : $"in {left}";

    /// <summary>The same in one word, for a table.</summary>
    public static string Left(Timestamp time, DateTimeOffset now) =>
        Math.Floor((time.ToDateTimeOffset() - now).TotalSeconds) is > 0 and var seconds ? Duration(new Duration { Seconds = (long)seconds }) : Now;

    /// <summary>"2026-11-24T15:04:05Z" (RFC 3339), the same for everybody who reads it.</summary>
    public static string Time(Timestamp? time) => Format(time, "yyyy-MM-dd'T'HH:mm:ss'Z'");

    /// <summary>The same to the millisecond.</summary>
    public static string ExactTime(Timestamp? time) => Format(time, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'");

    /// <summary>"1.5KiB", for a table.</summary>
    public static string PlainBytes(long bytes) => Bytes(bytes).Replace(" ", "", StringComparison.Ordinal);

    /// <summary>"12.5/s"; "-" where no rate is known.</summary>
    public static string Rate(double? perSecond) =>
        perSecond is { } rate ? $"{rate.ToString(rate < 99.95 ? "0.0" : "N0", CultureInfo.InvariantCulture)}/s" : Unknown;

    public static string ByteRate(double? perSecond) => perSecond is { } rate ? $"{Bytes(rate)}/s" : Unknown;

    /// <summary>Whole per cent, rounded down, so that only what is full reads 100%.</summary>
    public static string Share(double part, double whole) => whole <= 0 ? Unknown : $"{Count((long)Math.Floor(part * 100 / whole))}%";

    private static string Format(Timestamp? time, string format) =>
        time?.ToDateTimeOffset().UtcDateTime.ToString(format, CultureInfo.InvariantCulture) ?? Unknown;
}
