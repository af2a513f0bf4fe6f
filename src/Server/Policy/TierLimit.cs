using System.Globalization;

namespace Relay.Policy;

/// <summary>
/// The limit of a network that many addresses share (a tier): so many times the limit of one address ("8x"), a number
/// ("400"), or "off".
/// </summary>
internal readonly record struct TierLimit(int Value, bool IsMultiple)
{
    public static readonly TierLimit Off;

    /// <summary>True when the tier has no limit. It is counted all the same, so that a limit can be set at any time.</summary>
    public bool IsOff => Value == 0;

    public static bool TryParse(string text, out TierLimit limit)
    {
        limit = Off;
        if (text == "off")
        {
            return true;
        }

        var isMultiple = text.EndsWith('x');
        if (!int.TryParse(isMultiple ? text.AsSpan(0, text.Length - 1) : text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            || value is < 1 or > AdmissionOptions.MaxLimit)
        {
            return false;
        }

        limit = new TierLimit(value, isMultiple);
        return true;
    }

    /// <summary>
    /// Sockets that the tier may hold where one address may hold <paramref name="perIp"/>. A number is never below that: an
    /// address with a higher limit by an override must be able to use it.
    /// </summary>
    public int For(int perIp) => IsOff ? int.MaxValue
        : IsMultiple ? (int)Math.Min((long)Value * perIp, int.MaxValue)
        : Math.Max(Value, perIp);

    public override string ToString() =>
        IsOff ? "off" : string.Create(CultureInfo.InvariantCulture, $"{Value}{(IsMultiple ? "x" : "")}");
}
