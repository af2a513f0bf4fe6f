using System.Globalization;
using Relay.Addresses;

namespace Relay.Policy;

/// <summary>What a policy item may be: checks a path and a text, and gives both in their one spelling.</summary>
internal static class PolicyGrammar
{
    // A reason is for people; more than this is a error.
    private const int MaxText = 300;

    private static readonly string[] Tiers = [PolicyItems.Per56, PolicyItems.Per48, PolicyItems.Per24];
    private static readonly string[] Rates = [PolicyItems.RatePerIp, PolicyItems.RateTotal];
    private static readonly string[] Numbers = [PolicyItems.Total, PolicyItems.PerIp, PolicyItems.UnresolvedLimit];

    /// <summary>The items that every policy has.</summary>
    public static readonly string[] Scalars = [.. Numbers, .. Tiers, .. Rates, PolicyItems.Unresolved, PolicyItems.OverloadLevel];

    /// <summary>
    /// Reads one item. A null <paramref name="text"/> removes a rule; the limits themselves cannot be removed. Null, or a
    /// sentence that says what is wrong.
    /// </summary>
    public static string? Normalize(string path, string? text, int ipv6Prefix, out string normalPath, out string? normalText)
    {
        normalPath = path;
        normalText = text;
        if (path.StartsWith(PolicyItems.Shadow, StringComparison.Ordinal))
        {
            var inner = path[PolicyItems.Shadow.Length..];
            if (inner.StartsWith(PolicyItems.Shadow, StringComparison.Ordinal))
            {
                return "a shadow has no shadow";
            }

            if (inner == PolicyItems.OverloadLevel)
            {
                return "a shadow never rejects, so it has no level";
            }

            var error = text is null && Scalars.Contains(inner) ? null : Normalize(inner, text, ipv6Prefix, out inner, out normalText);
            normalPath = PolicyItems.Shadow + inner;
            return error;
        }

        if (text is { Length: > MaxText } || text?.Any(char.IsControl) == true)
        {
            return $"at most {MaxText} characters and no control characters";
        }

        if (path.StartsWith(PolicyItems.Override, StringComparison.Ordinal))
        {
            return NormalizeRule(PolicyItems.Override, text, (prefix, value) => ReadOverride(prefix, value, ipv6Prefix), ref normalPath, ref normalText);
        }

        if (path.StartsWith(PolicyItems.SubjectBan, StringComparison.Ordinal))
        {
            (normalText, var error) = text is null ? (null, null) : ReadBan(text);
            return SubjectName.Check(path[PolicyItems.SubjectBan.Length..]) ?? error;
        }

        if (path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal))
        {
            return NormalizeRule(PolicyItems.Ban, text, (_, value) => ReadBan(value), ref normalPath, ref normalText);
        }

        if (!Scalars.Contains(path))
        {
            return $"there is no such item; there are {string.Join(", ", Scalars)}, override/NETWORK, ban/NETWORK, ban/subject:NAME, and shadow/ITEM";
        }

        normalText = text is null ? null : ReadScalar(path, text);
        return normalText is not null ? null : text is null ? "every policy has this item; set it" : $"'{text}' is not valid; allowed: {Allowed(path)}";
    }

    /// <summary>A path in its one spelling; one that is not valid as it is.</summary>
    public static string PathOf(string path)
    {
        Normalize(path, null, AdmissionOptions.DefaultIpv6Prefix, out var normal, out _);
        return normal;
    }

    /// <summary>What a scalar may be, in words.</summary>
    public static string Allowed(string path) =>
        Tiers.Contains(path) ? $"off, a multiple of per-ip such as 8x, or 1 to {AdmissionOptions.MaxLimit:#,0}"
        : Rates.Contains(path) ? "off, or a rate such as '20/s burst 200' or '30/m'"
        : path == PolicyItems.Unresolved ? "total-only, refuse"
        : path == PolicyItems.OverloadLevel ? "auto, normal, elevated, critical"
        : $"1 to {AdmissionOptions.MaxLimit:#,0}";

    private static string? ReadScalar(string path, string text)
    {
        if (Tiers.Contains(path))
        {
            return TierLimit.TryParse(text, out var tier) ? tier.ToString() : null;
        }

        if (Rates.Contains(path))
        {
            return ConnectRate.TryParse(text, out var rate) ? rate.ToString() : null;
        }

        if (path == PolicyItems.Unresolved)
        {
            return text is "total-only" or "refuse" ? text : null;
        }

        if (path == PolicyItems.OverloadLevel)
        {
            return OverloadLevels.TryParse(text, out _) ? text : null;
        }

        return int.TryParse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= AdmissionOptions.MaxLimit
            ? number.ToString(CultureInfo.InvariantCulture)
            : null;
    }

    private static string? NormalizeRule(
        string kind, string? text, Func<IpPrefix, string, (string? Text, string? Error)> read, ref string path, ref string? normalText)
    {
        if (!IpPrefix.TryParse(path[kind.Length..], out var prefix, out var error))
        {
            return error;
        }

        path = kind + prefix;
        if (text is null)
        {
            return null;
        }

        (normalText, error) = read(prefix, text);
        return error;
    }

    private static (string? Text, string? Error) ReadOverride(IpPrefix prefix, string text, int ipv6Prefix)
    {
        if (!OverrideLimit.TryParse(text, out var limit))
        {
            return (null, $"'{text}' is not valid; allowed: 1 to {AdmissionOptions.MaxLimit:#,0}, unlimited, deny");
        }

        return limit.Kind == OverrideKind.Number && prefix.IsIpv6 && prefix.Length > ipv6Prefix
            ? (null, $"sockets are counted by /{ipv6Prefix}, so a number cannot apply to a part of one; use unlimited or deny, or the whole {new IpPrefix(prefix.Key.Truncate(ipv6Prefix))}")
            : (limit.ToString(), null);
    }

    private static (string? Text, string? Error) ReadBan(string text) =>
        Ban.TryParse(text, out var ban)
            ? (ban.ToString(), null)
            : (null, $"'{text}' is not valid; write 'forever REASON' or '2026-01-31T12:00:00Z REASON'");
}
