using System.Globalization;

namespace Relay.Policy;

/// <summary>
/// What holds for the addresses of one network instead of the limit per address: a number, "unlimited" (not counted at all,
/// not even in the total), or "deny".
/// </summary>
internal readonly record struct OverrideLimit(OverrideKind Kind, int PerIp = 0)
{
    public static bool TryParse(string text, out OverrideLimit limit)
    {
        limit = text switch
        {
            "unlimited" => new OverrideLimit(OverrideKind.Unlimited),
            "deny" => new OverrideLimit(OverrideKind.Deny),
            _ when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= AdmissionOptions.MaxLimit =>
                new OverrideLimit(OverrideKind.Number, number),
            _ => default,
        };
        return limit.Kind != OverrideKind.None;
    }

    public override string ToString() =>
        Kind == OverrideKind.Number ? PerIp.ToString(CultureInfo.InvariantCulture) : Kind.ToString().ToLowerInvariant();
}

/// <summary>Kinds of override.</summary>
internal enum OverrideKind
{
    None,
    Number,
    Unlimited,
    Deny,
}
