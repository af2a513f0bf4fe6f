using Relay.Addresses;

namespace Relay.Policy;

/// <summary>Live sockets that a decision is made from: in all, of the key, and of the two networks that it lies in.</summary>
/// <param name="Near">The /24 of an IPv4 key, the /56 of an IPv6 key.</param>
/// <param name="Far">The /48 of an IPv6 key.</param>
internal readonly record struct LiveCounts(int Total, int Key, int Near, int Far);

/// <summary>
/// What one policy says of one address, before any count is looked at. The one place that knows how limits combine: the
/// gate, the shadow, dry runs and explain all ask it.
/// </summary>
/// <param name="Verdict">Decided already: banned, denied, not attributed; None: the counts decide.</param>
/// <param name="IsCounted">False: unlimited, admitted and not counted at all.</param>
/// <param name="SetBy">The network whose override or ban holds; null: the general limits.</param>
internal readonly record struct KeyLimits(
    Refusal Verdict, bool IsCounted, int Total, int PerKey, int Near, int Far, double RateScale, IpPrefix? SetBy)
{
    /// <summary>The first limit that <paramref name="live"/> has reached, in the order in which a client is told: total, address, networks.</summary>
    public Refusal Judge(IpKey key, in LiveCounts live, int ceiling)
    {
        if (Verdict != Refusal.None || !IsCounted)
        {
            return Verdict;
        }

        return live.Total >= Total ? Refusal.TotalLimit
            : live.Total >= ceiling ? Refusal.Ceiling
            : live.Key >= PerKey ? (key == IpKey.Unresolved ? Refusal.UnresolvedLimit : Refusal.PerIpLimit)
            : live.Near >= Near ? (key.IsIpv6 ? Refusal.Per56Limit : Refusal.Per24Limit)
            : live.Far >= Far ? Refusal.Per48Limit
            : Refusal.None;
    }
}
