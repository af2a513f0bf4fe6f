using System.Globalization;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>Limits and their changes as an operator reads them.</summary>
internal static class PolicyTexts
{
    // More would fill the screen with one change.
    private const int MaxShown = 5;

    /// <summary>"8x, 400 clients of one IPv6 /56".</summary>
    public static string Tier(TierLimit? tier, long perIp, string network) => tier?.LimitCase switch
    {
        TierLimit.LimitOneofCase.Multiple => $"{tier.Multiple}x, {Units.Count(tier.Multiple * perIp)} clients of {network}",
        TierLimit.LimitOneofCase.Connections => $"{Units.Count(tier.Connections)} clients of {network}",
        _ => $"off for {network}",
    };

    /// <summary>"20/s burst 200", "30/m burst 5", "off".</summary>
    public static string Rate(ConnectRate? rate) => rate is null or { Off: true }
        ? "off"
        : string.Create(CultureInfo.InvariantCulture, $"{rate.Connections}/{(rate.Period == ConnectRate.Types.Period.Minute ? 'm' : 's')} burst {rate.Burst}");

    /// <summary>"200", "unlimited", "deny".</summary>
    public static string Limit(Override row) => row.LimitCase switch
    {
        Override.LimitOneofCase.PerIp => Units.Count(row.PerIp),
        Override.LimitOneofCase.Unlimited => "unlimited",
        Override.LimitOneofCase.Deny => "deny",
        _ => Units.Unknown,
    };

    /// <summary>Every limit that is set, by its path.</summary>
    public static IEnumerable<(string Path, string Text)> All(LimitSettings limits)
    {
        (string Path, string? Text)[] all =
        [
            ("total", limits.HasTotal ? Units.Count(limits.Total) : null),
            ("per-ip", limits.HasPerIp ? Units.Count(limits.PerIp) : null),
            ("per-56", Tier(limits.Per56)),
            ("per-48", Tier(limits.Per48)),
            ("per-24", Tier(limits.Per24)),
            ("rate-per-ip", limits.RatePerIp is { } perIp ? Rate(perIp) : null),
            ("rate-total", limits.RateTotal is { } total ? Rate(total) : null),
            ("unresolved", limits.Unresolved switch { UnresolvedClients.TotalOnly => "total-only", UnresolvedClients.Refuse => "refuse", _ => null }),
            ("unresolved-limit", limits.HasUnresolvedLimit ? Units.Count(limits.UnresolvedLimit) : null),
            ("overload-level", limits.OverloadLevel == OverloadMode.Unspecified ? null : Level(limits.OverloadLevel)),
        ];
        return all.Where(item => item.Text is not null).Select(item => (item.Path, item.Text!));
    }

    /// <summary>"auto", "normal".</summary>
    public static string Level(OverloadMode mode) => mode.ToString().ToLowerInvariant();

    /// <summary>"per-ip 50 -> 20, total 100 -> 50, and 3 more".</summary>
    public static string Changes(IReadOnlyCollection<PolicyDifference> changes) => changes.Count == 0 ? "(start)"
        : string.Join(", ", changes.Take(MaxShown).Select(change => $"{Printable.Clean(change.Path)} {Change(change)}"))
            + (changes.Count > MaxShown ? $", and {Units.Count(changes.Count - MaxShown)} more" : "");

    /// <summary>"50 -> 20"; numbers with their thousands separated.</summary>
    public static string Change(PolicyDifference change) => change.HasBefore == change.HasAfter && change.Before == change.After
        ? $"{Side(change.HasAfter, change.After)} (unchanged; its duration changes)"
        : $"{Side(change.HasBefore, change.Before)} -> {Side(change.HasAfter, change.After)}";

    public static string Side(bool given, string text) => given ? Text(text) : "(none)";

    private static string? Tier(TierLimit? tier) => tier?.LimitCase switch
    {
        null or TierLimit.LimitOneofCase.None => null,
        TierLimit.LimitOneofCase.Multiple => $"{tier.Multiple}x",
        TierLimit.LimitOneofCase.Connections => Units.Count(tier.Connections),
        _ => "off",
    };

    private static string Text(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? Units.Count(number) : Printable.CleanOrUnknown(text);
}
