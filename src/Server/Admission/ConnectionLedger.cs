using Relay.Addresses;
using Relay.Limits;

namespace Relay.Admission;

/// <summary>
/// The books: how many client sockets are live, in all, per address and per network. One lock guards everything, so a
/// decision sees one moment: never more than a limit is admitted, and a place that is free is never denied because another
/// thread was half-way through a refusal. Nothing is allocated once the tables have grown to their working size.
/// </summary>
internal sealed class ConnectionLedger
{
    private const int None = KeyRecords.None;

    // Decisions of one key that are logged: enough to see what it does, not enough to drown the others.
    private const int LoggedBurst = 10;
    private static readonly TimeSpan LoggedPeriod = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan ReplayWindow = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly LimitPolicyStore _policies;
    private readonly TimeProvider _time;

    // Guarded by _lock, all of the following.
    private readonly KeyRecords _records;
    private readonly LeaseSlots _leases = new();
    private readonly UncountedSockets _uncounted = new();
    private readonly RecentAdmissions _recent;
    private readonly long[] _refused = new long[RefusalReasons.Count];
    private readonly ShadowBooks _shadow;
    private TokenBucket _rate;
    private int _ceiling = int.MaxValue;
    private int _total;
    private int _peak;
    private int _keysHolding;
    private long _admitted;

    public ConnectionLedger(LimitPolicyStore policies, AdmissionOptions options, TimeProvider time)
    {
        _policies = policies;
        _time = time;
        _records = new KeyRecords(options.RememberedAddresses, options.Ipv6Prefix, time);
        _recent = new RecentAdmissions(options.RememberedAdmissions);
        _shadow = new ShadowBooks(time);
    }

    /// <summary>Takes a place for a whole <paramref name="address"/>, or says which limit stands in its way.</summary>
    public Decision TryTake(IpKey address, out AdmissionLease lease)
    {
        var now = _time.GetTimestamp();
        lock (_lock)
        {
            // Read inside the lock: once Settle() has returned after a change, no decision uses the older policy.
            var policy = _policies.Current;
            var key = address.CutIpv6(policy.Ipv6Prefix);
            var limits = policy.For(address, key, _time);
            if (!limits.IsCounted)
            {
                var decision = policy.Shadow is null
                    ? new Decision { Key = key, Live = new LiveCounts(_total, 0, 0, 0) }
                    : JudgeUncounted(policy, address, key, now);
                lease = NewLease(LeaseSlots.Uncounted);
                _uncounted.Enter(lease.Slot, key);
                return decision;
            }

            var slot = _records.FindOrAdd(key, now, policy.RatePerIp);
            if (_records[slot].Key != key)
            {
                key = _records[slot].Key;
                limits = policy.For(address, key, _time);
            }

            var live = Look(slot, now);
            ref var record = ref _records[slot];
            record.LastSeen = now;
            var refusal = limits.Judge(key, live, _ceiling);
            var wait = TimeSpan.Zero;
            if (refusal == Refusal.None)
            {
                refusal = policy.TakeRate(limits.RateScale, ref record.Rate, ref _rate, _time, out wait);
            }

            var shadow = _shadow.Judge(policy, address, live, _ceiling, refusal, ref record);
            if (refusal == Refusal.None)
            {
                Admit(slot);
                _recent.Add(now, address, key, live);
                lease = NewLease(slot);
            }
            else
            {
                lease = default;
                Refuse(slot, refusal);
            }

            return Log(ref _records[slot], refusal, shadow, live, wait) with { HasShadow = policy.Shadow is not null };
        }
    }

    /// <summary>Counts a refusal that was decided before a place was asked for.</summary>
    public Decision CountRefusal(IpKey address, Refusal refusal)
    {
        var now = _time.GetTimestamp();
        lock (_lock)
        {
            var policy = _policies.Current;
            var slot = _records.FindOrAdd(address.CutIpv6(policy.Ipv6Prefix), now, policy.RatePerIp);
            ref var record = ref _records[slot];
            record.LastSeen = now;
            var live = new LiveCounts(_total, record.Live, 0, 0);
            Refuse(slot, refusal);
            return Log(ref _records[slot], refusal, Refusal.None, live, TimeSpan.Zero);
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
            var (near, far) = (_records[slot].Near, _records[slot].Far);
            Leave(slot, now);
            Leave(near, now);
            Leave(far, now);
        }
    }

    /// <summary>The number of sockets that the process has files for, whatever the total limit says.</summary>
    public void SetCeiling(int ceiling)
    {
        lock (_lock)
        {
            _ceiling = ceiling;
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
            var over = _records.Overfull(policy);
            var totalOver = Math.Max(0, _total - policy.Total);
            var addresses = over.Where(key => !key.IsNetwork).Sum(key => key.Excess);
            var window = now - (long)(ReplayWindow.TotalSeconds * _time.TimestampFrequency);
            var (admitted, refused, first) = _recent.Replay(policy, window, _time);
            return new PolicyEffect(
                _total,
                totalOver,
                [.. over.OrderByDescending(key => key.Excess)],
                Math.Max(totalOver, Math.Max(addresses, over.Select(key => key.Excess).DefaultIfEmpty().Max())),
                admitted,
                refused,
                admitted == 0 ? TimeSpan.Zero : _time.GetElapsedTime(first, now));
        }
    }

    public LedgerTotals Totals()
    {
        lock (_lock)
        {
            return new LedgerTotals(_total, _uncounted.Count, _peak, _keysHolding, _admitted, _ceiling, [.. _refused]);
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
                if (_records.IsAddress(_records[slot].Key) != networks)
                {
                    keys.Add(TotalsOf(slot));
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
            return _records.Find(key) is >= 0 and var slot ? TotalsOf(slot) : null;
        }
    }

    /// <summary>The counts that a decision on a key would be made from; of what is not counted itself, with those that are not. Changes nothing.</summary>
    public LiveCounts LiveOf(IpKey key, bool isCounted, out int ceiling)
    {
        lock (_lock)
        {
            ceiling = _ceiling;
            return LiveOf(key, isCounted);
        }
    }

    /// <summary>How long a key's rate, and everybody's, make it wait now. Changes nothing.</summary>
    public (TimeSpan Key, TimeSpan Total) RateWaits(IpKey key, LimitPolicy policy, double scale)
    {
        lock (_lock)
        {
            var bucket = _records.Find(key) is >= 0 and var slot ? _records[slot].Rate : default;
            return (policy.RatePerIp.WaitFor(scale, ref bucket, _time), policy.RateTotal.WaitFor(1, ref _rate, _time));
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

    private LiveCounts Look(int slot, long now)
    {
        if (_records[slot].Live == 0)
        {
            // Made here and not at the admission, because the networks decide too. Making one may move the records.
            var (near, far) = Tiers.NetworksOf(_records[slot].Key);
            var nearSlot = near is { } n ? _records.FindOrAddNetwork(n, now) : None;
            var farSlot = far is { } f ? _records.FindOrAddNetwork(f, now) : None;
            (_records[slot].Near, _records[slot].Far) = (nearSlot, farSlot);
            if (nearSlot != None && _records[nearSlot].Live == 0)
            {
                // It may stand in for addresses itself while they hold it live, and must then know the network around it.
                (_records[nearSlot].Near, _records[nearSlot].Far) = (None, farSlot);
            }
        }

        ref var record = ref _records[slot];
        return new LiveCounts(
            _total, record.Live, record.Near == None ? 0 : _records[record.Near].Live, record.Far == None ? 0 : _records[record.Far].Live);
    }

    // An unlimited network is nobody's to refuse, but the shadow may have a limit for it: then its sockets are what it is judged by.
    private Decision JudgeUncounted(LimitPolicy policy, IpKey address, IpKey key, long now)
    {
        var slot = _records.FindOrAdd(key, now, policy.RatePerIp);
        ref var record = ref _records[slot];
        record.LastSeen = now;
        var live = LiveOf(record.Key, isCounted: false);
        var shadow = _shadow.Judge(policy, address, live, _ceiling, Refusal.None, ref record);
        return Log(ref record, Refusal.None, shadow, live, TimeSpan.Zero) with { HasShadow = true };
    }

    private LiveCounts LiveOf(IpKey key, bool isCounted)
    {
        var (near, far) = Tiers.NetworksOf(key);
        return new LiveCounts(_total, Of(key), Of(near), Of(far));

        int Of(IpKey? one) => _records.LiveOf(one) + (isCounted ? 0 : _uncounted.Of(one));
    }

    private void Admit(int slot)
    {
        var (near, far) = (_records[slot].Near, _records[slot].Far);
        Enter(slot);
        Enter(near);
        Enter(far);
        _total++;
        _admitted++;
        _peak = Math.Max(_peak, _total);
    }

    private void Enter(int slot)
    {
        if (slot == None)
        {
            return;
        }

        ref var record = ref _records[slot];
        if (record.Live++ == 0)
        {
            _records.Hold(slot);
            _keysHolding += _records.IsAddress(record.Key) ? 1 : 0;
        }

        record.Admitted++;
        record.Peak = Math.Max(record.Peak, record.Live);
    }

    private void Leave(int slot, long now)
    {
        if (slot == None)
        {
            return;
        }

        ref var record = ref _records[slot];
        record.LastSeen = now;
        if (--record.Live == 0)
        {
            _keysHolding -= _records.IsAddress(record.Key) ? 1 : 0;
            _records.Touch(slot);
        }
    }

    private void Refuse(int slot, Refusal refusal)
    {
        _refused[(int)refusal]++;
        _records[slot].Refused++;
        if (_records[slot].Live == 0)
        {
            _records.Touch(slot);
        }
    }

    private Decision Log(ref KeyRecord record, Refusal refusal, Refusal shadow, in LiveCounts live, TimeSpan wait)
    {
        var isLogged = record.Log.TryTake(1, LoggedBurst, LoggedPeriod, _time);
        var leftOut = record.LeftOut;
        record.LeftOut = isLogged ? 0 : leftOut + 1;
        return new Decision
        {
            Refusal = refusal,
            Shadow = shadow,
            Key = record.Key,
            Live = live,
            Wait = wait,
            IsLogged = isLogged,
            LeftOut = leftOut,
        };
    }

    private KeyTotals TotalsOf(int slot)
    {
        ref var r = ref _records[slot];
        return new KeyTotals(r.Key, r.Live, r.Peak, r.Admitted, r.Refused, r.ShadowRefused, r.FirstSeen, r.LastSeen);
    }

    private AdmissionLease NewLease(int record)
    {
        var (slot, generation) = _leases.Take(record);
        return new AdmissionLease(this, slot, generation);
    }
}
