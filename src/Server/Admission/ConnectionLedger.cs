using Relay.Addresses;
using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>
/// Leases and counts: how many client connections are live, in total, per address and per network. One lock guards
/// everything, so a decision sees one moment: never more than a limit is admitted, and a free slot is never denied because
/// another thread was half-way through a refusal. Nothing is allocated once the tables have grown to their working size.
/// </summary>
internal sealed class ConnectionLedger
{
    /// <summary>Addresses without a connection that are remembered, about 5 MB of them; beyond that an address whose rate has not recovered keeps its record and new ones count with their network.</summary>
    public const int RememberedAddresses = 16_384;

    private readonly Lock _lock = new();
    private readonly LimitPolicyStore _policies;
    private readonly TimeProvider _time;

    // Guarded by _lock, all of the following.
    private readonly KeyRecords _records;
    private readonly LeaseSlots _leases = new();
    private readonly UncountedSockets _uncounted = new();
    private readonly DecisionCounts _decisions;
    private TokenBucket _rate;
    private Ceiling _ceiling = Ceiling.None;
    private int _total;
    private int _peak;

    public ConnectionLedger(
        LimitPolicyStore policies, AdmissionOptions options, OverloadOptions overload, TimeProvider time, int remembered = RememberedAddresses)
    {
        (_policies, _time) = (policies, time);
        _decisions = new DecisionCounts(overload.PerIp, time);
        _records = new KeyRecords(remembered, options.Ipv6Prefix, time);
    }

    /// <summary>Refused since the start, for whatever reason.</summary>
    public long RefusedTotal => _decisions.Refusals.All;

    /// <summary>Those of them whose address did not flood by itself.</summary>
    public long RefusedCalmly => _decisions.Refusals.Calm;

    /// <summary>Acquires a lease for a whole <paramref name="address"/>, or says which rule refuses it.</summary>
    public Decision TryAcquire(IpKey address, long now, out AdmissionLease lease, Standing standing = default)
    {
        lock (_lock)
        {
            return Decide(address, standing, now, out lease);
        }
    }

    /// <summary>
    /// Refuses an address that would be refused now, if its own level, or <paramref name="all"/>, is one on which such a
    /// connection is reset. False, and nothing is counted: it may be admitted, or is to be told why not.
    /// </summary>
    /// <param name="max">The level above which nobody goes.</param>
    public bool TryRejectEarly(IpKey address, Standing standing, OverloadLevel all, OverloadLevel max, long now, out Decision decision)
    {
        lock (_lock)
        {
            decision = default;
            var (input, record) = InputOf(address, standing, now);
            var level = OverloadLevels.Clamp(_decisions.Refusals.LevelsOf(record.Refusals, now).Now, all, max);
            if (level == OverloadLevel.Normal || !Rejections.IsReset(AdmissionRules.Evaluate(input).Refusal, level))
            {
                return false;
            }

            decision = Decide(address, standing, now, out _);
            return true;
        }
    }

    /// <summary>What a decision on an address would be made from now. Changes nothing.</summary>
    public DecisionInputs InputsOf(IpKey address, Standing standing, long now)
    {
        lock (_lock)
        {
            var (input, record) = InputOf(address, standing, now);
            return new DecisionInputs(input, _decisions.Shadow.Of(input, record.ShadowRate), _decisions.Refusals.LevelsOf(record.Refusals, now));
        }
    }

    /// <summary>Releases a lease; only the first call for it does anything.</summary>
    public void Release(in AdmissionLease lease)
    {
        var now = _time.GetTimestamp();
        lock (_lock)
        {
            if (!_leases.TryEnd(lease.Slot, lease.Generation, out var slot))
            {
                return;
            }

            if (slot == LeaseSlots.Uncounted)
            {
                _uncounted.Leave(lease.Slot);
                return;
            }

            _total--;
            _records.Leave(slot, now);
        }
    }

    /// <summary>The number of connections that the process has files, or memory, for, whatever the total limit says; null: as it was.</summary>
    public void SetCeiling(int? byFiles = null, int? byMemory = null)
    {
        lock (_lock)
        {
            _ceiling = new Ceiling(byFiles ?? _ceiling.ByFiles, byMemory ?? _ceiling.ByMemory);
        }
    }

    /// <summary>Passes once through the lock: every decision made from now on sees the policy now in force.</summary>
    public void Barrier()
    {
        lock (_lock)
        {
        }
    }

    public LedgerTotals Totals()
    {
        lock (_lock)
        {
            return new LedgerTotals(_total, _uncounted.Count, _peak, _records.Holding, _decisions.Admitted, _ceiling, _decisions.Refusals.ByReason);
        }
    }

    /// <summary>What the shadow limits would have done since they were last changed; zeros without a shadow.</summary>
    public ShadowTotals ShadowTotals()
    {
        lock (_lock)
        {
            return _decisions.Shadow.Totals(_policies.Current);
        }
    }

    /// <summary>A copy of every record and lease.</summary>
    public LedgerSnapshot Snapshot()
    {
        lock (_lock)
        {
            return new LedgerSnapshot(_total, _uncounted.Count, _records.Snapshot(), [.. _leases.Held().Select(Held)]);
        }

        HeldLease Held((int Slot, uint Generation, int Record) held) => new(
            new AdmissionLease(this, held.Slot, held.Generation),
            held.Record,
            held.Record == LeaseSlots.Uncounted ? _uncounted.KeyOf(held.Slot) : _records[held.Record].Key);
    }

    /// <summary>A copy of the latest admissions, oldest first.</summary>
    public PastAdmission[] RecentAdmissions()
    {
        lock (_lock)
        {
            return _decisions.Recent.Copy();
        }
    }

    private Decision Decide(IpKey address, Standing standing, long now, out AdmissionLease lease)
    {
        // Read inside the lock: once Barrier() has returned after a change, no decision uses the older policy.
        var policy = _policies.Current;
        var slot = _records.FindOrAdd(address.CutIpv6(policy.Ipv6Prefix), now, policy.RatePerIp);
        var live = _records.Look(slot, _total, now);
        ref var record = ref _records[slot];
        record.LastSeen = now;
        var input = InputOf(policy, address, standing, record.Key, live, record.Rate, now);
        var verdict = AdmissionRules.Evaluate(input);
        if (!verdict.Limits.IsCounted)
        {
            // An unlimited network's connections are compared with no limit but the shadow's, which may have one for it.
            input = input with { Local = LiveOf(record.Key, isCounted: false) };
        }

        var decision = _decisions.Count(input, verdict, ref record);
        lease = default;
        if (verdict.Refusal != Refusal.None)
        {
            _records.CountRefusal(slot, verdict.Refusal);
        }
        else if (verdict.Limits.IsCounted)
        {
            verdict.TakeRates(policy, ref record.Rate, ref _rate);
            _records.Enter(slot);
            _peak = Math.Max(_peak, ++_total);
            lease = NewLease(slot);
        }
        else
        {
            lease = NewLease(LeaseSlots.Uncounted);
            _uncounted.Enter(lease.Slot, address.CutIpv6(policy.Ipv6Prefix));
        }

        return decision;
    }

    // What an attempt would be decided from, and the record that it would count in: an empty one where there is none yet.
    private (RuleInput Input, KeyRecord Record) InputOf(IpKey address, Standing standing, long now)
    {
        var policy = _policies.Current;
        var (key, slot) = _records.Locate(address.CutIpv6(policy.Ipv6Prefix), now, policy.RatePerIp);
        var record = slot == KeyRecords.None ? default : _records[slot];
        var live = LiveOf(key, KeyLimits.Of(policy, address, key).IsCounted);
        return (InputOf(policy, address, standing, key, live, record.Rate, now), record);
    }

    private RuleInput InputOf(LimitPolicy policy, IpKey address, Standing standing, IpKey key, in LiveCounts live, TokenBucket rate, long now) => new()
    {
        Policy = policy,
        Address = address,
        Key = key,
        Standing = standing,
        Local = live,
        Ceiling = _ceiling,
        KeyRate = rate,
        TotalRate = _rate,
        Now = now,
        Time = _time,
    };

    private LiveCounts LiveOf(IpKey key, bool isCounted)
    {
        var (near, far) = Tiers.NetworksOf(key);
        return new LiveCounts(_total, Of(key), Of(near), Of(far));

        int Of(IpKey? one) => _records.LiveOf(one) + (isCounted ? 0 : _uncounted.Of(one));
    }

    private AdmissionLease NewLease(int record)
    {
        var (slot, generation) = _leases.Acquire(record);
        return new AdmissionLease(this, slot, generation);
    }
}
