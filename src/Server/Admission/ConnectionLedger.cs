using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>
/// Leases and counts of client connections. One lock guards everything, so a decision sees one moment: never more than a
/// limit is admitted, and a free slot is never denied because another thread was half-way through a refusal. Nothing is
/// allocated once the tables have grown to their working size.
/// </summary>
internal sealed partial class ConnectionLedger
{
    /// <summary>Addresses without a connection that are remembered, about 5 MB. When all of them wait for their rate to recover, new ones count with their network.</summary>
    public const int RememberedAddresses = 16_384;

    private readonly Lock _lock = new();
    private readonly LimitPolicyStore _policies;
    private readonly TimeProvider _time;

    // Guarded by _lock, all of the following.
    private readonly Occupancy _occupancy;
    private readonly LeaseSlots _leases = new();
    private readonly DecisionCounts _decisions;

    public ConnectionLedger(
        LimitPolicyStore policies, AdmissionOptions options, OverloadOptions overload, TimeProvider time, int remembered = RememberedAddresses, RemoteCounts? remote = null)
    {
        (_policies, _time) = (policies, time);
        _occupancy = new Occupancy(remembered, options.Ipv6Prefix, time, remote);
        _decisions = new DecisionCounts(overload.PerIp, time);
    }

    /// <summary>Refused since the start, for whatever reason.</summary>
    public long RefusedTotal => _decisions.Refusals.All;

    /// <summary>Refusals of addresses that do not flood.</summary>
    public long RefusedNonFlooding => _decisions.Refusals.NonFlooding;

    /// <summary>Live connections that count against limits.</summary>
    public int Total
    {
        get
        {
            lock (_lock)
            {
                return _occupancy.Total;
            }
        }
    }

    /// <summary>Acquires a lease for a whole <paramref name="address"/>, or says which rule refuses it.</summary>
    public Decision TryAcquire(IpKey address, long now, out AdmissionLease lease, Standing standing = default, Subject? subject = null)
    {
        Decision decision;
        lock (_lock)
        {
            Decide(address, standing, subject, now, out decision, out lease);
        }

        return decision;
    }

    /// <summary>
    /// Refuses an address that would be refused now, if its own level, or <paramref name="all"/>, is one on which such a
    /// connection is reset. False, and nothing is counted: it may be admitted, or is rejected later with a reason.
    /// </summary>
    /// <param name="max">The maximum level.</param>
    public bool TryRejectEarly(IpKey address, Standing standing, OverloadLevel all, OverloadLevel max, long now, out Decision decision)
    {
        lock (_lock)
        {
            decision = default;
            var policy = _policies.Current;
            var (input, record) = _occupancy.Look(policy, address, standing, null, now);
            var level = OverloadLevels.Clamp(_decisions.Refusals.LevelsOf(record.Refusals, now).Now, all, max);
            if (level == OverloadLevel.Normal || !Rejections.IsReset(AdmissionRules.Evaluate(policy, input, new RateBuckets(record.Rate, _occupancy.Rate), _time).Refusal, level))
            {
                return false;
            }

            Decide(address, standing, null, now, out decision, out _);
            return true;
        }
    }

    /// <summary>What a decision on an address, or on a person there, would be made from now. Changes nothing.</summary>
    public DecisionInputs InputsOf(IpKey address, Standing standing, Subject? subject, long now)
    {
        lock (_lock)
        {
            var policy = _policies.Current;
            var (input, record) = _occupancy.Look(policy, address, standing, subject, now);
            return new DecisionInputs(
                policy,
                input,
                new RateBuckets(record.Rate, _occupancy.Rate),
                _decisions.Shadow.Rates(policy, record.ShadowRate),
                _decisions.Refusals.LevelsOf(record.Refusals, now));
        }
    }

    /// <summary>Releases a lease; only the first call for it does anything.</summary>
    public void Release(in AdmissionLease lease)
    {
        var now = _time.GetTimestamp();
        lock (_lock)
        {
            if (_leases.TryEnd(lease.Slot, lease.Generation, out var record, out var subject))
            {
                _occupancy.Leave(lease.Slot, record, subject, now);
            }
        }
    }

    /// <summary>The number of connections that the process has files, or memory, for, whatever the total limit says; null: as it was.</summary>
    public void SetCeiling(int? byFiles = null, int? byMemory = null)
    {
        lock (_lock)
        {
            var before = _occupancy.Ceiling;
            _occupancy.Ceiling = new Ceiling(byFiles ?? before.ByFiles, byMemory ?? before.ByMemory);
        }
    }

    /// <summary>As of <see cref="KeyRecords.IsAddress"/>.</summary>
    public bool IsAddress(IpKey key) => _occupancy.Records.IsAddress(key);

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
            return new LedgerTotals(
                _occupancy.Total,
                _occupancy.Uncounted,
                _occupancy.Peak,
                _occupancy.Records.Holding,
                _occupancy.Subjects.Records.Holding,
                _decisions.Admitted,
                _occupancy.Ceiling,
                _decisions.Refusals.ByReason);
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

    /// <summary>From now on, which keys change is remembered for <see cref="TakeChanged"/>.</summary>
    public void TrackChanges()
    {
        lock (_lock)
        {
            _occupancy.Records.Changed ??= _occupancy.Subjects.Records.Changed = new ChangedKeys();
        }
    }

    /// <summary>The keys that have changed since the last call, in exchange for an empty list.</summary>
    public List<IpKey> TakeChanged(List<IpKey> empty)
    {
        lock (_lock)
        {
            return _occupancy.Records.Changed!.Take(empty);
        }
    }

    /// <summary>Fills in what keys that have changed hold now. A few hundred at once, because decisions wait meanwhile.</summary>
    public void ReadChanged(Span<KeyCount> keys)
    {
        lock (_lock)
        {
            ChangedKeys.Read(_occupancy, keys);
        }
    }

    /// <summary>What keys hold, from a slot on; the slot to go on with, -1 at the end. A few hundred at once.</summary>
    public int ReadLive(int from, Span<KeyCount> into, out int count)
    {
        lock (_lock)
        {
            return ChangedKeys.ReadLive(_occupancy, from, into, out count);
        }
    }

    /// <summary>As of <see cref="ChangedKeys.Overshoot"/>. A few hundred at once.</summary>
    public (int Keys, int Worst) Overshoot(ReadOnlySpan<RemoteGrowth> grown)
    {
        lock (_lock)
        {
            return ChangedKeys.Overshoot(_occupancy.Records, _policies.Current, grown);
        }
    }

    /// <summary>A copy of every record and lease.</summary>
    public LedgerSnapshot Snapshot()
    {
        lock (_lock)
        {
            var leases = _leases.Held().Select(held =>
                new HeldLease(new AdmissionLease(this, held.Slot, held.Generation), held.Record, held.Subject, _occupancy.KeyOf(held.Slot, held.Record, held.Subject)));
            return new LedgerSnapshot(_occupancy.Total, _occupancy.Uncounted, _occupancy.Records.Snapshot(), _occupancy.Subjects.Snapshot(), [.. leases]);
        }
    }

    /// <summary>Somebody as he came in last; null: he is not remembered.</summary>
    public Subject? FindSubject(IpKey key)
    {
        lock (_lock)
        {
            return _occupancy.Subjects.Find(key);
        }
    }

    /// <summary>A copy of the latest admissions, oldest first.</summary>
    public PastAdmission[] RecentAdmissions()
    {
        lock (_lock)
        {
            return _decisions.Recent.Copy();
        }
    }

    private void Decide(IpKey address, Standing standing, Subject? subject, long now, out Decision decision, out AdmissionLease lease)
    {
        // Read inside the lock: once Barrier() has returned after a change, no decision uses the older policy.
        var policy = _policies.Current;
        var (slot, person) = _occupancy.Find(policy, address, standing, subject, now, out var input);
        ref var record = ref _occupancy.RecordOf(slot, person);
        var verdict = AdmissionRules.Evaluate(policy, input, ref record.Rate, ref _occupancy.Rate, _time);
        if (!verdict.Limits.IsCounted)
        {
            input = input with { Local = _occupancy.LiveOf(input.Key, isCounted: false) };
        }

        _decisions.Count(policy, input, verdict, ref record, out decision);
        lease = default;
        if (verdict.Refusal != Refusal.None)
        {
            _occupancy.CountRefusal(slot, person, verdict.Refusal);
        }
        else if (verdict.Limits.IsCounted)
        {
            _occupancy.Enter(slot, person, policy);
            lease = NewLease(slot, person);
        }
        else
        {
            lease = NewLease(LeaseSlots.Uncounted, person);
            _occupancy.EnterUncounted(lease.Slot, address.TruncateIpv6(policy.Ipv6Prefix), person);
        }
    }

    private AdmissionLease NewLease(int record, int subject)
    {
        var (slot, generation) = _leases.Acquire(record, subject);
        return new AdmissionLease(this, slot, generation);
    }
}
