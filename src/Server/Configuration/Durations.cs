using System.Globalization;
using System.Text.RegularExpressions;

namespace Relay.Configuration;

/// <summary>
/// Durations as people write them: 250ms, 1.5s, 30s, 5m, 1h30m, 1d12h. Numbers with units, the largest first, each unit once;
/// the last number may have a fraction. Only 0 needs no unit. relayd and relayctl read and write them alike.
/// </summary>
internal static partial class Durations
{
    // Larger than every range, and far from overflow.
    private const long MaxTicks = 36_500 * TimeSpan.TicksPerDay;

    // A fraction only before the last unit.
    private const string Number = @"[0-9]+(?:\.[0-9]+(?=[a-z]+\z))?";

    private const string Written =
        $@"^(?:(?<d>{Number})d)?(?:(?<h>{Number})h)?(?:(?<m>{Number})m(?!s))?(?:(?<s>{Number})s)?(?:(?<ms>{Number})ms)?\z";

    private static readonly (string Name, long Ticks)[] Units =
    [
        ("d", TimeSpan.TicksPerDay),
        ("h", TimeSpan.TicksPerHour),
        ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond),
    ];

    public static bool TryParse(string text, out TimeSpan duration)
    {
        text = text.Trim();
        duration = TimeSpan.Zero;
        var written = Pattern().Match(text);
        if (text.Length == 0 || !written.Success)
        {
            return text == "0";
        }

        var sum = 0L;
        foreach (var (name, ticks) in Units)
        {
            if (written.Groups[name] is not { Success: true, ValueSpan: var number })
            {
                continue;
            }

            if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count) || count > (decimal)(MaxTicks - sum) / ticks)
            {
                return false;
            }

            sum += (long)(count * ticks);
        }

        duration = TimeSpan.FromTicks(sum);
        return true;
    }

    /// <summary>As <see cref="TryParse"/> reads it, without units that are 0. What is negative is 0.</summary>
    public static string Format(TimeSpan duration)
    {
        var left = Math.Max(0, duration.Ticks);
        var text = "";
        foreach (var (name, ticks) in Units.AsSpan(..^1))
        {
            text += left < ticks ? "" : string.Create(CultureInfo.InvariantCulture, $"{left / ticks}{name}");
            left %= ticks;
        }

        text += left == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{(decimal)left / TimeSpan.TicksPerMillisecond:0.####}ms");
        return text.Length > 0 ? text : "0";
    }

    [GeneratedRegex(Written)]
    private static partial Regex Pattern();
}
