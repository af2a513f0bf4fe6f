using Relay.Addresses;
using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>
/// The books: how many client sockets are live, in all, per address and per network. One lock guards everything, so a
/// decision sees one moment: never more than a limit is admitted, and a place that is free is never denied because another
/// thread was half-way through a refusal. Nothing is allocated once the tables have grown to their working size.
/// </summary>
internal sealed class ConnectionLedger
{
    private const int None = KeyRecords.None;

    // A clock is read and a histogram kept for one decision in so many: it costs as much as half a decision.
    private const uint Timed = 8;

    private static readonly TimeSpan ReplayWindow = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly LimitPolicyStore _policies;
    private readonly TimeProvider _time;

    // Guarded by _lock, all of the following.
    private readonly KeyRecords _records;
    private readonly LeaseSlots _leases = new();
    private readonly UncountedSockets _uncounted = new();
    private readonly RecentAdmissions _recent;
    private readonly RefusalCounts _refusals;
    private readonly ShadowCounts _shadow;
    private TokenBucket _rate;
    private Ceiling _ceiling = Ceiling.None;
    private int _total;
    private int _peak;
    private long _admitted;
    private uint _decided;

    public ConnectionLedger(LimitPolicyStore policies, AdmissionOptions options, OverloadOptions overload, TimeProvider time)
    {
        _policies = policies;
        _refusals = new RefusalCounts(overload.PerIp, time);
        _time = time;
        _records = new KeyRecords(options.RememberedAddresses, options.Ipv6Prefix, time);
        _recent = new RecentAdmissions(options.RememberedAdmissions);
        _shadow = new ShadowCounts(time);
    }

    /// <summary>Refused since the start, for whatever reason.</summary>
    public long RefusedTotal => _refusals.All;

    /// <summary>Those of them whose address did not flood by itself.</summary>
    public long RefusedCalmly => _refusals.Calm;

    /// <summary>Takes a place for a whole <paramref name="address"/>, or says which limit stands in its way.</summary>
    public Decision TryTake(IpKey address, long now, out AdmissionLease lease)
    {
        lock (_lock)
        {
            // Read inside the lock: once Settle() has returned after a change, no decision uses the older policy.
            var policy = _policies.Current;
            var slot = Find(policy, address, now, out var limits);
            if (slot == None)
            {
                return TakeUncounted(policy, address, now, out lease);
            }

            var live = _records.Look(slot, _total, now);
            ref var record = ref _records[slot];
            var refusal = limits.Judge(record.Key, live, _ceiling.Value);
            var wait = TimeSpan.Zero;
            if (refusal == Refusal.None)
            {
                refusal = policy.TakeRate(limits.RateScale, ref record.Rate, ref _rate, now, _time, out wait);
            }

            var shadow = _shadow.Judge(policy, address, live, _ceiling.Value, refusal, now, ref record);
            if (refusal != Refusal.None)
            {
                lease = default;
                return Refuse(slot, refusal, shadow, live, wait, now);
            }

            _records.Enter(slot);
            _total++;
            _admitted++;
            _peak = Math.Max(_peak, _total);
            _recent.Add(now, address, record.Key, live);
            lease = NewLease(slot);
            return Decide(ref _records[slot], Refusal.None, shadow, live, wait, OverloadLevel.Normal, now);
        }
    }

    /// <summary>
    /// Refuses an address that would be refused now, if it, or with <paramref name="all"/> everybody, is to be told on a level
    /// that needs no HTTP. False, and nothing is counted: it may come in, or is to be told in words.
    /// </summary>
    /// <param name="known">Why it is refused whatever the limits say; None: they decide.</param>
    /// <param name="most">The level above which nobody goes.</param>
    public bool TryRejectEarly(IpKey address, Refusal known, OverloadLevel all, OverloadLevel most, long now, out Decision decision)
    {
        decision = default;
        lock (_lock)
        {
            var policy = _policies.Current;
            var slot = Find(policy, address, now, out var limits);
            if (slot == None)
            {
                return false;
            }

            var live = _records.Look(slot, _total, now);
            ref var record = ref _records[slot];
            var level = _refusals.LevelOf(ref record, now);
            level = level > all ? level : all;
            level = level < most ? level : most;
            if (level == OverloadLevel.Normal)
            {
                return false;
            }

            var wait = TimeSpan.Zero;
            var refusal = known != Refusal.None ? known : limits.Judge(record.Key, live, _ceiling.Value);
            if (refusal == Refusal.None)
            {
                refusal = policy.LookAtRate(limits.RateScale, ref record.Rate, ref _rate, now, _time, out wait);
            }

            // Whom no patience helps gains nothing by hearing it.
            if (refusal == Refusal.None || (level != OverloadLevel.Critical && RefusalReasons.CloseCode(refusal) != RefusalReasons.ForGood))
            {
                return false;
            }

            var shadow = _shadow.Judge(policy, address, live, _ceiling.Value, refusal, now, ref record);
            decision = Refuse(slot, refusal, shadow, live, wait, now);
            return true;
        }
    }

    /// <summary>Counts a refusal that was decided before a place was asked for.</summary>
    public Decision CountRefusal(IpKey address, Refusal refusal, long now)
    {
        lock (_lock)
        {
            var policy = _policies.Current;
            var slot = _records.FindOrAdd(address.CutIpv6(policy.Ipv6Prefix), now, policy.RatePerIp);
            _records[slot].LastSeen = now;
            return Refuse(slot, refusal, Refusal.None, new LiveCounts(_total, _records[slot].Live, 0, 0), TimeSpan.Zero, now);
        }
    }

    /// <summary>Gives a place back; only the first call for a lease does anything.</summary>
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

    /// <summary>The number of sockets that the process has files, or memory, for, whatever the total limit says; null: as it was.</summary>
    public void SetCeiling(int? byFiles = null, int? byMemory = null)
    {
        lock (_lock)
        {
            _ceiling = new Ceiling(byFiles ?? _ceiling.ByFiles, byMemory ?? _ceiling.ByMemory);
        }
    }

    /// <summary>
    /// Passes once through the lock, so that every decision made from now on sees the policy now in force, and says how
    /// the books stand against it.
    /// </summary>
    public (int Total, int KeysOverLimit) Settle()
    {
        lock (_lock)
        {
            return (_total, _records.Overfull(_policies.Current).Count(over => !over.IsNetwork));
        }
    }

    /// <summary>What a policy would mean for the sockets that are live and for the admissions of the last minutes. Changes nothing.</summary>
    public PolicyEffect EffectOf(LimitPolicy policy)
    {
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            var (admitted, refused, first) = _recent.Replay(policy, now - (long)(ReplayWindow.TotalSeconds * _time.TimestampFrequency), _time);
            var since = admitted == 0 ? TimeSpan.Zero : _time.GetElapsedTime(first, now);
            return PolicyEffect.Of(policy, _total, _records.Overfull(policy), admitted, refused, since);
        }
    }

    public LedgerTotals Totals()
    {
        lock (_lock)
        {
            return new LedgerTotals(_total, _uncounted.Count, _peak, _records.Holding, _admitted, _ceiling, _refusals.ByReason);
        }
    }

    /// <summary>What the shadow limits would have done since they were last changed; zeros without a shadow.</summary>
    public ShadowTotals ShadowTotals()
    {
        lock (_lock)
        {
            return _shadow.Totals(_policies.Current);
        }
    }

    /// <summary>Every address, or every network, that holds a connection or is remembered, in no order.</summary>
    public KeyTotals[] Keys(bool networks = false)
    {
        lock (_lock)
        {
            var keys = new List<KeyTotals>(_records.Count);
            foreach (var slot in _records.Slots)
            {
                if (_records[slot].IsNetwork == networks)
                {
                    keys.Add(_records[slot].Totals);
                }
            }

            return [.. keys];
        }
    }

    /// <summary>What the books say of one key; null when it is not known.</summary>
    public KeyTotals? Find(IpKey key)
    {
        lock (_lock)
        {
            return _records.Find(key) is >= 0 and var slot ? _records[slot].Totals : null;
        }
    }

    /// <summary>The counts that a decision on a key would be made from; of what is not counted itself, with those that are not.</summary>
    public LiveCounts LiveOf(IpKey key, bool isCounted, out Ceiling ceiling)
    {
        lock (_lock)
        {
            ceiling = _ceiling;
            return LiveOf(key, isCounted);
        }
    }

    /// <summary>The level that a key stands on by itself.</summary>
    public OverloadLevel LevelOf(IpKey key)
    {
        lock (_lock)
        {
            return _records.Find(key) is >= 0 and var slot ? _refusals.LevelOf(ref _records[slot], _time.GetTimestamp()) : OverloadLevel.Normal;
        }
    }

    /// <summary>How long a key's rate, and everybody's, make it wait now.</summary>
    public (TimeSpan Key, TimeSpan Total) RateWaits(IpKey key, LimitPolicy policy, double scale)
    {
        lock (_lock)
        {
            var bucket = _records.Find(key) is >= 0 and var slot ? _records[slot].Rate : default;
            var now = _time.GetTimestamp();
            return (policy.RatePerIp.WaitFor(scale, ref bucket, now, _time), policy.RateTotal.WaitFor(1, ref _rate, now, _time));
        }
    }

    /// <summary>Every lease that is held now, with its key: what the self-audit compares with the live sockets.</summary>
    public Dictionary<AdmissionLease, IpKey> HeldLeases()
    {
        lock (_lock)
        {
            return _leases.Held().ToDictionary(
                held => new AdmissionLease(this, held.Slot, held.Generation),
                held => held.Record == LeaseSlots.Uncounted ? default : _records[held.Record].Key);
        }
    }

    /// <summary>Counts every lease anew, in all and per address and network; the keys whose books say otherwise.</summary>
    public IReadOnlyList<(IpKey Key, int Booked, int Counted)> Recount()
    {
        lock (_lock)
        {
            return _records.Recount(_leases.Held().Select(held => held.Record).Where(record => record != LeaseSlots.Uncounted));
        }
    }

    private Decision TakeUncounted(LimitPolicy policy, IpKey address, long now, out AdmissionLease lease)
    {
        var key = address.CutIpv6(policy.Ipv6Prefix);
        var decision = DecideUncounted(policy, address, key, now);
        lease = NewLease(LeaseSlots.Uncounted);
        _uncounted.Enter(lease.Slot, key);
        return decision;
    }

    // An unlimited network is nobody's to refuse, but operators who look for its decisions find them, and the shadow may have a
    // limit for it: then its sockets are what it is judged by.
    private Decision DecideUncounted(LimitPolicy policy, IpKey address, IpKey key, long now)
    {
        var slot = _records.FindOrAdd(key, now, policy.RatePerIp);
        ref var record = ref _records[slot];
        record.LastSeen = now;
        var live = LiveOf(record.Key, isCounted: false);
        var shadow = _shadow.Judge(policy, address, live, _ceiling.Value, Refusal.None, now, ref record);
        return Decide(ref record, Refusal.None, shadow, live, TimeSpan.Zero, OverloadLevel.Normal, now);
    }

    private LiveCounts LiveOf(IpKey key, bool isCounted)
    {
        var (near, far) = Tiers.NetworksOf(key);
        return new LiveCounts(_total, Of(key), Of(near), Of(far));

        int Of(IpKey? one) => _records.LiveOf(one) + (isCounted ? 0 : _uncounted.Of(one));
    }

    // The record that an address counts by, or None for one that is not counted; and what the policy says of it.
    private int Find(LimitPolicy policy, IpKey address, long now, out KeyLimits limits)
    {
        var key = address.CutIpv6(policy.Ipv6Prefix);
        limits = policy.For(address, key, _time);
        if (!limits.IsCounted)
        {
            return None;
        }

        var slot = _records.FindOrAdd(key, now, policy.RatePerIp);
        ref var record = ref _records[slot];
        if (record.Key != key)
        {
            limits = policy.For(address, record.Key, _time);
        }

        record.LastSeen = now;
        return slot;
    }

    private Decision Refuse(int slot, Refusal refusal, Refusal shadow, in LiveCounts live, TimeSpan wait, long now)
    {
        ref var record = ref _records[slot];
        var level = _refusals.Count(ref record, refusal, now);
        if (record.Live == 0)
        {
            _records.Touch(slot);
        }

        return Decide(ref record, refusal, shadow, live, wait, level, now);
    }

    private Decision Decide(ref KeyRecord record, Refusal refusal, Refusal shadow, in LiveCounts live, TimeSpan wait, OverloadLevel level, long now)
    {
        var isLogged = record.TakeLog(refusal != Refusal.None, now, _time, out var leftOut);
        return new Decision
        {
            Refusal = refusal,
            Shadow = shadow,
            HasShadow = _policies.Current.Shadow is not null,
            Key = record.Key,
            Live = live,
            Wait = wait,
            OverloadLevel = level,
            IsLogged = isLogged,
            IsTimed = _decided++ % Timed == 0,
            Suppressed = leftOut,
        };
    }

    private AdmissionLease NewLease(int record)
    {
        var (slot, generation) = _leases.Take(record);
        return new AdmissionLease(this, slot, generation);
    }
}
