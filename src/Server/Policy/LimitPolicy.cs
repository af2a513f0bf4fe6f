using System.Globalization;
using Relay.Addresses;

namespace Relay.Policy;

/// <summary>The limits in effect, made from their items; immutable and replaced as a whole. A decision reads exactly one of them.</summary>
internal sealed class LimitPolicy
{
    private readonly PrefixTable<OverrideLimit> _overrides;
    private readonly PrefixTable<Ban> _bans;
    private readonly Dictionary<IpKey, Ban> _subjectBans;

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
        _subjectBans = items.SubjectBans().ToDictionary(
            rule => IpKey.FromSubject(rule.Key), rule => Ban.TryParse(rule.Value, out var ban) ? ban : throw new FormatException(rule.Value));
        Shadow = items.Shadowed() is { } shadow ? new LimitPolicy(shadow, ipv6Prefix, revision) : null;
    }

    public PolicyItems Items { get; }

    /// <summary>Counts up by one with each change, also over restarts; 1 at the first start.</summary>
    public long Revision { get; }

    /// <summary>Bits of an IPv6 address that make its key; fixed while the relay runs, because live keys were made with it.</summary>
    public int Ipv6Prefix { get; }

    /// <summary>Client sockets in total.</summary>
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

    /// <summary>Connections whose client address a trusted proxy did not send.</summary>
    public int UnresolvedLimit { get; }

    public bool RefusesUnresolved { get; }

    /// <summary>The pinned overload level; null: automatic.</summary>
    public OverloadLevel? PinnedLevel { get; }

    /// <summary>The second set of limits, which is counted and not enforced; null: none.</summary>
    public LimitPolicy? Shadow { get; }

    /// <summary>The revision in which the shadow was last changed: what it counted before is not its own.</summary>
    public long ShadowSince { get; }

    /// <summary>False spares the look for one.</summary>
    public bool HasOverrides => OverrideCount > 0;

    public int OverrideCount => _overrides.Count;

    /// <summary>The override of the longest network that holds a key; false: none.</summary>
    public bool TryFindOverride(IpKey key, out IpPrefix network, out OverrideLimit limit) => _overrides.TryFind(key, out network, out limit);

    public bool HasBans => BanCount > 0;

    public int BanCount => _bans.Count + _subjectBans.Count;

    /// <summary>The ban that holds for an address; null: none. One that ends is removed from the policy.</summary>
    public (IpPrefix Network, Ban Ban)? BanOf(IpKey address) => _bans.TryFind(address, out var network, out var ban) ? (network, ban) : null;

    /// <summary>The ban of a person; null: none.</summary>
    public Ban? BanOfSubject(IpKey subject) => _subjectBans.GetValueOrDefault(subject);

    private int Number(string path) => int.Parse(Items[path]!, NumberStyles.None, CultureInfo.InvariantCulture);

    private TierLimit Tier(string path) => TierLimit.TryParse(Items[path]!, out var limit) ? limit : TierLimit.Off;

    private ConnectRate Rate(string path) => ConnectRate.TryParse(Items[path]!, out var rate) ? rate : ConnectRate.Off;
}
