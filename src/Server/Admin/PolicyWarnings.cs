using Relay.Admission;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>Sentences that an operator should read after a change, about what it touched and nothing else.</summary>
internal static class PolicyWarnings
{
    public const string InMemoryOnly = "kept in memory only and lost at a restart: Admission:PolicyFile is empty";

    private static readonly string[] Tiers = [PolicyItems.Per56, PolicyItems.Per48, PolicyItems.Per24];

    /// <param name="stays">True: no client is disconnected because of it.</param>
    public static IEnumerable<string> Of(PolicyResult result, PolicyEffect effect, bool stays)
    {
        var after = result.After;
        var isTotal = Touches(result, PolicyItems.Total);
        var isPerIp = Touches(result, PolicyItems.PerIp);
        if ((isTotal || isPerIp) && after.Total < after.PerIp)
        {
            yield return $"the total limit {after.Total:#,0} is below the limit per address {after.PerIp:#,0}: one address can take every slot";
        }

        var what = stays
            ? "no client is disconnected, new connections are refused until the count is below it"
            : "excess connections are closed, at most as many a second as Sessions:EvictionsPerSecond";
        if (isTotal && effect.TotalOver > 0)
        {
            yield return $"{effect.Live:#,0} clients are connected, {effect.TotalOver:#,0} more than the new total; {what}";
        }

        var isOverride = result.Differences.Any(difference => difference.Path.StartsWith(PolicyItems.Override, StringComparison.Ordinal));
        var addresses = effect.Over.Where(over => !over.IsNetwork).ToList();
        if ((isPerIp || isOverride) && addresses.Count > 0)
        {
            yield return addresses.Select(over => over.Limit).Distinct().Count() == 1
                ? $"{addresses.Count:#,0} address{(addresses.Count == 1 ? " holds" : "es hold")} more than {addresses[0].Limit:#,0} connections; {what}"
                : $"{addresses.Count:#,0} addresses hold more connections than their limits; {what}";
        }

        var networks = effect.Over.Count(over => over.IsNetwork);
        if ((isPerIp || isOverride || Tiers.Any(tier => Touches(result, tier))) && networks > 0)
        {
            yield return $"{networks:#,0} network{(networks == 1 ? " holds" : "s hold")} more connections than the limit of their size; {what}";
        }
    }

    private static bool Touches(PolicyResult result, string path) => result.Differences.Any(difference => difference.Path == path);
}
