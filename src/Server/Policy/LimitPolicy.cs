using System.Globalization;
using Relay.Addresses;
using Relay.RateLimiting;

namespace Relay.Policy;

/// <summary>The limits in force, made from their items, replaced whole and never changed. A decision reads exactly one of them.</summary>
internal sealed class LimitPolicy
{
    // What an address counts by when its own record finds no room: as many addresses share it as share a /56.
    private static readonly TierLimit CoarseLimit = new(8, IsMultiple: true);
    private static readonly TierLimit CoarsestLimit = new(64, IsMultiple: true);

    private readonly PrefixTable<OverrideLimit> _overrides;
    private readonly PrefixTable<Ban> _bans;

    // What holds for a whole address that no rule names.
    private readonly KeyLimits _ipv4;
    private readonly KeyLimits _ipv6;

    /// <param name="shadowSince">The revision in which the shadow was last changed.</param>
    public LimitPolicy(PolicyItems items, int ipv6Prefix, long revision, long shadowSince = 0)
    {
        Items = items;
        Revision = revision;
        ShadowSince = shadowSince;
        Ipv6Prefix = ipv6Prefix;
        Total = Number(PolicyItems.Total);
        PerIp = Number(PolicyItems.PerIp);
        Per56 = Tier(PolicyItems.Per56);
        Per48 = Tier(PolicyItems.Per48);
        Per24 = Tier(PolicyItems.Per24);
        RatePerIp = Rate(PolicyItems.RatePerIp);
        RateTotal = Rate(PolicyItems.RateTotal);
        UnresolvedLimit = Number(PolicyItems.UnresolvedLimit);
        RefusesUnresolved = items[PolicyItems.Unresolved] == "refuse";
        PinnedLevel = OverloadLevels.TryParse(items[PolicyItems.OverloadLevel]!, out var pinned) ? pinned : null;
        _overrides = new(items.Rules(PolicyItems.Override).Select(rule =>
            KeyValuePair.Create(rule.Key, OverrideLimit.TryParse(rule.Value, out var limit) ? limit : default)));
        _bans = new(items.Rules(PolicyItems.Ban).Select(rule =>
            KeyValuePair.Create(rule.Key, Ban.TryParse(rule.Value, out var ban) ? ban : throw new FormatException(rule.Value))));
        _ipv4 = Whole(isIpv6: false, PerIp, setBy: null);
        _ipv6 = Whole(isIpv6: true, PerIp, setBy: null);
        Shadow = items.Shadowed() is { } shadow ? new LimitPolicy(shadow, ipv6Prefix, revision) : null;
    }

    public PolicyItems Items { get; }

    /// <summary>Counts up by one with each change, also over restarts; 1 at the first start.</summary>
    public long Revision { get; }

    /// <summary>Bits of an IPv6 address that make its key; fixed while the relay runs, because live keys were made with it.</summary>
    public int Ipv6Prefix { get; }

    /// <summary>Client sockets in all.</summary>
    public int Total { get; }

    /// <summary>Client sockets per address.</summary>
    public int PerIp { get; }

    public TierLimit Per56 { get; }

    public TierLimit Per48 { get; }

    public TierLimit Per24 { get; }

    /// <summary>How fast one address is admitted.</summary>
    public ConnectRate RatePerIp { get; }

    /// <summary>How fast all together are admitted.</summary>
    public ConnectRate RateTotal { get; }

    /// <summary>Sockets of the class whose address a trusted proxy did not tell.</summary>
    public int UnresolvedLimit { get; }

    public bool RefusesUnresolved { get; }

    /// <summary>How everybody who is refused is told, whatever happens; null: the overload decides.</summary>
    public OverloadLevel? PinnedLevel { get; }

    /// <summary>The second set of limits, which is counted and not enforced; null: none.</summary>
    public LimitPolicy? Shadow { get; }

    /// <summary>The revision in which the shadow was last changed: what it counted before is not its own.</summary>
    public long ShadowSince { get; }

    /// <summary>What holds for a whole <paramref name="address"/> that counts by <paramref name="key"/>.</summary>
    public KeyLimits For(IpKey address, IpKey key, TimeProvider time)
    {
        if (key == IpKey.Unresolved)
        {
            return new KeyLimits(
                RefusesUnresolved ? Refusal.Unresolved : Refusal.None, true, Total, UnresolvedLimit, int.MaxValue, int.MaxValue, 1, null);
        }

        if (_bans.Count > 0 && BanOf(address) is { } ban)
        {
            return Decided(Refusal.Banned, ban.Network);
        }

        var perIp = PerIp;
        IpPrefix? setBy = null;
        if (_overrides.Count > 0 && _overrides.TryFind(address, out var prefix, out var limit))
        {
            setBy = prefix;
            switch (limit.Kind)
            {
                case OverrideKind.Deny:
                    return Decided(Refusal.Denied, prefix);
                case OverrideKind.Unlimited:
                    return new KeyLimits(Refusal.None, false, Total, int.MaxValue, int.MaxValue, int.MaxValue, 1, prefix);
                default:
                    perIp = limit.PerIp;
                    break;
            }
        }

        return key.PrefixLength < (key.IsIpv6 ? Ipv6Prefix : 32) ? Coarse(key, perIp, setBy)
            : setBy is not null ? Whole(key.IsIpv6, perIp, setBy)
            : key.IsIpv6 ? _ipv6 : _ipv4;
    }

    /// <summary>The ban that holds for an address; null: none. One that ends is removed from the policy.</summary>
    public (IpPrefix Network, Ban Ban)? BanOf(IpKey address) => _bans.TryFind(address, out var network, out var ban) ? (network, ban) : null;

    /// <summary>The rate that makes one more of a key wait, and for how long; None: neither does. Takes nothing.</summary>
    public Refusal LookAtRate(double scale, ref TokenBucket key, ref TokenBucket total, long now, TimeProvider time, out TimeSpan wait)
    {
        wait = RatePerIp.WaitFor(scale, ref key, now, time);
        if (wait > TimeSpan.Zero)
        {
            return Refusal.RatePerIp;
        }

        wait = RateTotal.WaitFor(1, ref total, now, time);
        return wait > TimeSpan.Zero ? Refusal.RateTotal : Refusal.None;
    }

    /// <summary>Takes one from the bucket of a key and from everybody's, or from neither; then <paramref name="wait"/> says for how long.</summary>
    public Refusal TakeRate(double scale, ref TokenBucket key, ref TokenBucket total, long now, TimeProvider time, out TimeSpan wait)
    {
        var refusal = LookAtRate(scale, ref key, ref total, now, time, out wait);
        if (refusal == Refusal.None)
        {
            RatePerIp.Take(ref key);
            RateTotal.Take(ref total);
        }

        return refusal;
    }

    /// <summary>Sockets that a key of an address, or of a network, may hold; those of a banned or denied one are not over anything.</summary>
    public int MaxFor(IpKey key, bool isAddress, TimeProvider time)
    {
        if (isAddress)
        {
            var limits = For(key, key, time);
            return limits.Verdict == Refusal.None ? limits.PerKey : int.MaxValue;
        }

        var perIp = _overrides.TryFind(key, out _, out var limit) && limit.Kind == OverrideKind.Number ? limit.PerIp : PerIp;
        return key switch
        {
            { IsIpv6: true, PrefixLength: 56 } => Per56.For(perIp),
            { IsIpv6: true, PrefixLength: 48 } => Per48.For(perIp),
            { IsIpv6: false, PrefixLength: 24 } => Per24.For(perIp),
            _ => int.MaxValue,
        };
    }

    // Room for more sockets is room for more of them at once.
    private KeyLimits Whole(bool isIpv6, int perIp, IpPrefix? setBy) => new(
        Refusal.None,
        true,
        Total,
        perIp,
        (isIpv6 ? Per56 : Per24).For(perIp),
        isIpv6 ? Per48.For(perIp) : int.MaxValue,
        Math.Max(1, (double)perIp / PerIp),
        setBy);

    // A key that stands for many addresses because their own records found no room.
    private KeyLimits Coarse(IpKey key, int perIp, IpPrefix? setBy)
    {
        var tier = key switch
        {
            { IsIpv6: true, PrefixLength: 56 } => Per56,
            { IsIpv6: true, PrefixLength: 48 } => Per48,
            { IsIpv6: false, PrefixLength: 24 } => Per24,
            _ => TierLimit.Off,
        };
        var limit = tier.IsOff ? (key.PrefixLength >= (key.IsIpv6 ? 48 : 24) ? CoarseLimit : CoarsestLimit) : tier;
        var most = limit.For(perIp);
        var far = key.IsIpv6 && key.PrefixLength > 48 ? Per48.For(perIp) : int.MaxValue;
        return new KeyLimits(Refusal.None, true, Total, most, int.MaxValue, far, (double)most / PerIp, setBy);
    }

    private KeyLimits Decided(Refusal verdict, IpPrefix prefix) =>
        new(verdict, true, Total, 0, int.MaxValue, int.MaxValue, 1, prefix);

    private int Number(string path) => int.Parse(Items[path]!, NumberStyles.None, CultureInfo.InvariantCulture);

    private TierLimit Tier(string path) => TierLimit.TryParse(Items[path]!, out var limit) ? limit : TierLimit.Off;

    private ConnectRate Rate(string path) => ConnectRate.TryParse(Items[path]!, out var rate) ? rate : ConnectRate.Off;
}
