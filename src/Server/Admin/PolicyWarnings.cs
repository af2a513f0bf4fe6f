using Relay.Admission;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>Sentences that an operator should read after a change.</summary>
internal static class PolicyWarnings
{
    /// <param name="stays">True: nobody is disconnected because of it.</param>
    public static IEnumerable<string> Of(LimitPolicy after, PolicyEffect effect, bool stays = true)
    {
        if (after.Total < after.PerIp)
        {
            yield return $"the total limit {after.Total:#,0} is below the limit per address {after.PerIp:#,0}: one address can take every place";
        }

        var what = stays
            ? "nobody is disconnected, newcomers are refused until the count is below it"
            : "those above it are closed, at most as many a second as Sessions:EvictionsPerSecond";
        if (effect.TotalOver > 0)
        {
            yield return $"{effect.Live:#,0} clients are connected, {effect.TotalOver:#,0} more than the new total; {what}";
        }

        var addresses = effect.Over.Where(over => !over.IsNetwork).ToList();
        if (addresses.Count > 0)
        {
            yield return addresses.Select(over => over.Limit).Distinct().Count() == 1
                ? $"{addresses.Count:#,0} address{(addresses.Count == 1 ? " holds" : "es hold")} more than {addresses[0].Limit:#,0} connections; {what}"
                : $"{addresses.Count:#,0} addresses hold more connections than their limits; {what}";
        }

        var networks = effect.Over.Count(over => over.IsNetwork);
        if (networks > 0)
        {
            yield return $"{networks:#,0} network{(networks == 1 ? " holds" : "s hold")} more connections than the limit of their size; {what}";
        }
    }
}
