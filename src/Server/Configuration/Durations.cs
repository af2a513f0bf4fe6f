using System.Globalization;

namespace Relay.Configuration;

/// <summary>Durations as people write them: 250ms, 30s, 5m, 2h, 1d, or hh:mm:ss. A bare number other than 0 has no unit and is refused.</summary>
internal static class Durations
{
    private static readonly (string Unit, TimeSpan Length)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)),
        ("s", TimeSpan.FromSeconds(1)),
        ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)),
        ("d", TimeSpan.FromDays(1)),
    ];

    public static bool TryParse(string text, out TimeSpan duration)
    {
        text = text.Trim();
        if (text == "0")
        {
            duration = TimeSpan.Zero;
            return true;
        }

        foreach (var (unit, length) in Units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count)
                && count * length.TotalDays < 36_500)
            {
                duration = count * length;
                return true;
            }
        }

        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration) && text.Contains(':');
    }

    /// <summary>The shortest of the forms above.</summary>
    public static string Format(TimeSpan duration)
    {
        foreach (var (unit, length) in Units.Reverse())
        {
            if (duration >= length && duration.Ticks % length.Ticks == 0)
            {
                return $"{duration.Ticks / length.Ticks}{unit}";
            }
        }

        return duration == TimeSpan.Zero ? "0" : duration.ToString("c", CultureInfo.InvariantCulture);
    }
}
