using System.Runtime.CompilerServices;
using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>The limits that a policy sets for one address, before any count is looked at.</summary>
/// <param name="Kind">What an override makes of the address: None, Number, Unlimited (admitted and not counted), Deny.</param>
/// <param name="Max">Connections that may be live at most; <see cref="int.MaxValue"/> where there is no limit.</param>
/// <param name="RateScale">How many times larger than the general one the rate's bucket is.</param>
internal readonly record struct KeyLimits(OverrideKind Kind, LiveCounts Max, double RateScale)
{
    private const int None = int.MaxValue;

    // What an address counts by when its own record finds no capacity: as many addresses share it as share a /56.
    private static readonly TierLimit CoarseLimit = new(8, IsMultiple: true);
    private static readonly TierLimit CoarsestLimit = new(64, IsMultiple: true);

    public bool IsCounted => Kind != OverrideKind.Unlimited;

    /// <summary>What holds for a whole <paramref name="address"/> that counts by <paramref name="key"/>.</summary>
    // Not inlined, and returned from where they are made: the copies would cost more than the call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static KeyLimits Of(LimitPolicy policy, in IpKey address, in IpKey key)
    {
        if (key.IsUnresolved)
        {
            return new KeyLimits(OverrideKind.None, new LiveCounts(policy.Total, policy.UnresolvedLimit, None, None), 1);
        }

        if (policy.HasOverrides && policy.TryFindOverride(address, out _, out var limit))
        {
            return key.IsSubject && limit.Kind != OverrideKind.Unlimited ? OfSubject(policy, limit.Kind) : Overridden(policy, key, limit);
        }

        return key.IsSubject ? OfSubject(policy, OverrideKind.None) : Numbers(policy, key, OverrideKind.None, policy.PerIp);
    }

    /// <summary>Connections that an address, or a network, may hold; those of a banned or denied one are not over anything.</summary>
    public static int MaxOf(LimitPolicy policy, IpKey key, bool isNetwork)
    {
        if (!isNetwork)
        {
            return policy.BanOf(key) is null && Of(policy, key, key) is { Kind: not OverrideKind.Deny } limits ? limits.Max.Key : None;
        }

        var perIp = policy.TryFindOverride(key, out _, out var limit) && limit.Kind == OverrideKind.Number ? limit.PerIp : policy.PerIp;
        return TierOf(policy, key).For(perIp);
    }

    // Who is counted by name has a limit of his own, which no policy sets, and the rate of an address.
    private static KeyLimits OfSubject(LimitPolicy policy, OverrideKind kind) => new(kind, new LiveCounts(policy.Total, None, None, None), 1);

    private static KeyLimits Overridden(LimitPolicy policy, in IpKey key, OverrideLimit limit) => limit.Kind switch
    {
        OverrideKind.Unlimited => new KeyLimits(limit.Kind, new LiveCounts(None, None, None, None), 1),
        OverrideKind.Deny => Numbers(policy, key, limit.Kind, policy.PerIp) is var general
            ? general with { Max = general.Max with { Key = 0 } }
            : default,
        _ => Numbers(policy, key, limit.Kind, limit.PerIp),
    };

    private static KeyLimits Numbers(LimitPolicy policy, in IpKey key, OverrideKind kind, int perIp)
    {
        if (key.PrefixLength < (key.IsIpv6 ? policy.Ipv6Prefix : 32))
        {
            return Coarse(policy, key, kind, perIp);
        }

        // More connections at once are allowed to come faster.
        var max = new LiveCounts(policy.Total, perIp, (key.IsIpv6 ? policy.Per56 : policy.Per24).For(perIp), key.IsIpv6 ? policy.Per48.For(perIp) : None);
        return new KeyLimits(kind, max, perIp <= policy.PerIp ? 1 : (double)perIp / policy.PerIp);
    }

    // A key that stands in for many addresses because their own records found no capacity.
    private static KeyLimits Coarse(LimitPolicy policy, in IpKey key, OverrideKind kind, int perIp)
    {
        var tier = TierOf(policy, key);
        var limit = tier.IsOff ? (key.PrefixLength >= (key.IsIpv6 ? 48 : 24) ? CoarseLimit : CoarsestLimit) : tier;
        var max = limit.For(perIp);
        var far = key.IsIpv6 && key.PrefixLength > 48 ? policy.Per48.For(perIp) : None;
        return new KeyLimits(kind, new LiveCounts(policy.Total, max, None, far), (double)max / policy.PerIp);
    }

    private static TierLimit TierOf(LimitPolicy policy, in IpKey key) => key switch
    {
        { IsIpv6: true, PrefixLength: 56 } => policy.Per56,
        { IsIpv6: true, PrefixLength: 48 } => policy.Per48,
        { IsIpv6: false, PrefixLength: 24 } => policy.Per24,
        _ => TierLimit.Off,
    };
}
