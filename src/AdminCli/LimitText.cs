using System.Globalization;
using System.Text.RegularExpressions;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>Limits as operators write them: "8x", "20/s burst 200", "off".</summary>
internal static partial class LimitText
{
    /// <summary>The highest limit that there is.</summary>
    public const int Max = 1_000_000;

    /// <summary>Null where it is not the limit of a network.</summary>
    public static TierLimit? ReadTier(string text) =>
        text == "off" ? new TierLimit { Off = true }
        : !TierPattern().IsMatch(text) ? null
        : text.EndsWith('x') ? new TierLimit { Multiple = Number(text[..^1]) }
        : new TierLimit { Connections = Number(text) };

    /// <summary>Null where it is not a rate of new connections.</summary>
    public static ConnectRate? ReadRate(string text)
    {
        if (text == "off")
        {
            return new ConnectRate { Off = true };
        }

        var match = RatePattern().Match(text);
        return match.Success && Number(match.Groups[1].Value) <= Max && (!match.Groups[3].Success || Number(match.Groups[3].Value) <= Max)
            ? new ConnectRate
            {
                Connections = Number(match.Groups[1].Value),
                Period = match.Groups[2].Value == "m" ? ConnectRate.Types.Period.Minute : ConnectRate.Types.Period.Second,
                Burst = match.Groups[3].Success ? Number(match.Groups[3].Value) : 0,
            }
            : null;
    }

    private static int Number(string digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex("^([1-9][0-9]{0,5}|1000000)x?$")]
    private static partial Regex TierPattern();

    [GeneratedRegex("^([1-9][0-9]{0,6})/([sm])(?: burst ([1-9][0-9]{0,6}))?$")]
    private static partial Regex RatePattern();
}
