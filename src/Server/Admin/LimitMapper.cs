using Relay.Addresses;
using Relay.AdminApi;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>The limits of one decision as rows: what is counted, how far it is, which rule set it.</summary>
internal static class LimitMapper
{
    public static IEnumerable<LimitCheck> Of(LimitPolicy policy, IpKey key, KeyLimits limits, LiveCounts live, Ceiling ceiling)
    {
        if (!limits.IsCounted || limits.Verdict != Refusal.None)
        {
            yield return Look("address", key.ToString(), live.Key, 0, limits.SetBy is { } rule ? $"override/{rule}" : "unresolved");
            yield break;
        }

        yield return Look("total", "", live.Total, limits.Total, PolicyItems.Total);
        if (ceiling != Ceiling.None)
        {
            yield return Look("ceiling", "", live.Total, ceiling.Value, ceiling.Cause == "files" ? "limit of open files" : "memory");
        }

        var perKey = key.IsUnresolved ? PolicyItems.UnresolvedLimit : limits.SetBy is { } set ? $"override/{set}" : PolicyItems.PerIp;
        yield return Look("address", key.ToString(), live.Key, limits.PerKey, perKey);
        if (key.IsUnresolved)
        {
            yield break;
        }

        if (!key.IsIpv6)
        {
            yield return Look("/24", key.Cut(24).ToString(), live.Near, limits.Near, $"{PolicyItems.Per24} ({policy.Per24})");
        }

        if (key.IsIpv6 && key.PrefixLength > 56)
        {
            yield return Look("/56", key.Cut(56).ToString(), live.Near, limits.Near, $"{PolicyItems.Per56} ({policy.Per56})");
        }

        if (key.IsIpv6 && key.PrefixLength > 48)
        {
            yield return Look("/48", key.Cut(48).ToString(), live.Far, limits.Far, $"{PolicyItems.Per48} ({policy.Per48})");
        }
    }

    private static LimitCheck Look(string name, string key, int live, int limit, string rule) => new()
    {
        Name = name,
        Key = key,
        Connections = live,
        Limit = limit == int.MaxValue ? 0 : limit,
        Rule = rule,
        Reached = limit != int.MaxValue && live >= limit && limit > 0,
    };
}
