using System.Globalization;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>Items of the policy as an operator reads them.</summary>
internal static class PolicyTexts
{
    public const string Shadow = "shadow/";

    // More would fill the screen with one change.
    private const int MaxShown = 5;

    public static string Item(Policy policy, string path) => ChangeReport.Text(policy.Items.GetValueOrDefault(path, ""));

    public static long Number(Policy policy, string path) =>
        long.TryParse(policy.Items.GetValueOrDefault(path, ""), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>"8x, 400 clients of one IPv6 /56".</summary>
    public static string Tier(Policy policy, string path, string network)
    {
        var text = policy.Items.GetValueOrDefault(path, "");
        return text.EndsWith('x') && long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var times)
            ? $"{Printable.Clean(text)}, {Units.Count(times * Number(policy, "per-ip"))} clients of {network}"
            : text == "off" ? $"off for {network}" : $"{Item(policy, path)} clients of {network}";
    }

    public static string Rules(Policy policy, string kind) => Units.Count(policy.Items.Keys.Count(path => path.StartsWith(kind, StringComparison.Ordinal)));

    public static string Cause(Policy policy) => policy.CeilingCause.Length > 0 ? Printable.Clean(policy.CeilingCause) : "files";

    /// <summary>"per-ip 50 -> 20, total 100 -> 50, and 3 more".</summary>
    public static string Changes(IReadOnlyCollection<PolicyDifference> changes) => changes.Count == 0 ? "nothing"
        : string.Join(", ", changes.Take(MaxShown).Select(change => $"{Printable.Clean(change.Path)} {ChangeReport.Change(change)}"))
            + (changes.Count > MaxShown ? $", and {Units.Count(changes.Count - MaxShown)} more" : "");
}
