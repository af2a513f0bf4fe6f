using System.Runtime.CompilerServices;
using Relay.Addresses;
using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>
/// How many connections are live, in total, per address and per network, and what a decision would be made from. Touched only
/// under the ledger's lock.
/// </summary>
internal sealed class Occupancy(int remembered, int ipv6Prefix, TimeProvider time)
{
    private readonly UncountedSockets _uncounted = new();
    private TokenBucket _rate;

    /// <summary>How fast all together have been admitted.</summary>
    public ref TokenBucket Rate => ref _rate;

    public KeyRecords Records { get; } = new(remembered, ipv6Prefix, time);

    public Ceiling Ceiling { get; set; } = Ceiling.None;

    /// <summary>Live connections that count against limits.</summary>
    public int Total { get; private set; }

    /// <summary>The highest value of Total.</summary>
    public int Peak { get; private set; }

    /// <summary>Live connections of unlimited networks.</summary>
    public int Uncounted => _uncounted.Count;

    /// <summary>What an attempt would be decided from, and a copy of the record that it would count in: an empty one where there is none yet. Changes nothing.</summary>
    public (RuleInput Input, KeyRecord Record) Look(LimitPolicy policy, IpKey address, Standing standing, long now)
    {
        var (key, slot) = Records.Locate(address.TruncateIpv6(policy.Ipv6Prefix), now, policy.RatePerIp);
        var record = slot == KeyRecords.None ? default : Records[slot];
        var live = LiveOf(key, KeyLimits.Of(policy, address, key).IsCounted);
        return (InputOf(address, standing, key, live, now), record);
    }

    /// <summary>The same for an attempt that is being decided: its record, which is returned, and those of its networks are found or made.</summary>
    public int Find(LimitPolicy policy, IpKey address, Standing standing, long now, out RuleInput input)
    {
        var slot = Records.FindOrAdd(address.TruncateIpv6(policy.Ipv6Prefix), now, policy.RatePerIp);
        var live = Records.Look(slot, Total, now);
        ref var record = ref Records[slot];
        record.LastSeen = now;
        input = InputOf(address, standing, record.Key, live, now);
        return slot;
    }

    /// <summary>
    /// Live connections of a key and its networks. No limit counts those of an unlimited network but the shadow's, which may
    /// have one for it: then they are included.
    /// </summary>
    public LiveCounts LiveOf(IpKey key, bool isCounted)
    {
        var (near, far) = Tiers.NetworksOf(key);
        return new LiveCounts(Total, Of(key), Of(near), Of(far));

        int Of(IpKey? one) => Records.LiveOf(one) + (isCounted ? 0 : _uncounted.Of(one));
    }

    /// <summary>One connection more on a record that was just found.</summary>
    public void Enter(int slot, LimitPolicy policy)
    {
        AdmissionRules.TakeRates(policy, ref Records[slot].Rate, ref _rate);
        Records.Enter(slot);
        Peak = Math.Max(Peak, ++Total);
    }

    public void EnterUncounted(int lease, IpKey key) => _uncounted.Enter(lease, key);

    public void Leave(int slot, long now)
    {
        Total--;
        Records.Leave(slot, now);
    }

    public void LeaveUncounted(int lease) => _uncounted.Leave(lease);

    /// <summary>What a lease counts by, or would.</summary>
    public IpKey KeyOf(int lease, int record) => record == LeaseSlots.Uncounted ? _uncounted.KeyOf(lease) : Records[record].Key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RuleInput InputOf(IpKey address, Standing standing, IpKey key, in LiveCounts live, long now) => new()
    {
        Address = address,
        Key = key,
        Standing = standing,
        Local = live,
        Ceiling = Ceiling,
        Now = now,
    };
}
