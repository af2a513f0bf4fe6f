using System.Globalization;

namespace Relay.Policy;

/// <summary>
/// A network whose sockets are refused until a moment. As text "2026-11-24T14:00:00Z the reason" or "forever the reason".
/// </summary>
/// <param name="Until">For people; what ends it is the lifetime of the item. Null: until it is lifted.</param>
internal sealed record Ban(DateTimeOffset? Until, string Reason)
{
    private const string Forever = "forever";
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    public static bool TryParse(string text, out Ban ban)
    {
        ban = null!;
        var space = text.IndexOf(' ');
        var (end, reason) = space < 0 ? (text, "") : (text[..space], text[(space + 1)..].Trim());
        if (end == Forever)
        {
            ban = new Ban(null, reason);
            return true;
        }

        if (!DateTimeOffset.TryParseExact(
            end, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var until))
        {
            return false;
        }

        ban = new Ban(until, reason);
        return true;
    }

    public override string ToString() =>
        $"{Until?.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture) ?? Forever} {Reason}".TrimEnd();
}
