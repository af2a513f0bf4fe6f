using System.Runtime.InteropServices;

namespace Relay.Admission;

/// <summary>
/// The books: how many client sockets are live, in all and per key. One lock guards everything, so a decision sees one
/// moment: never more than a limit is admitted, and a place that is free is never denied because another thread was
/// half-way through a refusal. Nothing is allocated once the tables have grown to their working size.
/// </summary>
internal sealed class ConnectionLedger
{
    private const int None = -1;

    private readonly Lock _lock = new();
    private readonly LimitPolicyStore _policies;
    private readonly TimeProvider _time;

    // Guarded by _lock, all of the following.
    private readonly Dictionary<IpKey, int> _index = [];
    private readonly IdleRecords _idle;
    private KeyRecord[] _records = new KeyRecord[64];
    private LeaseSlot[] _leases = new LeaseSlot[64];
    private int _recordsUsed;
    private int _freeRecord = None;
    private int _leasesUsed;
    private int _freeLease = None;
    private int _total;
    private int _peak;
    private int _keysHolding;
    private long _admitted;
    private readonly long[] _refused = new long[Enum.GetValues<Refusal>().Length];

    public ConnectionLedger(LimitPolicyStore policies, AdmissionOptions options, TimeProvider time)
    {
        _policies = policies;
        _time = time;
        _idle = new IdleRecords(options.RememberedAddresses);
    }

    /// <summary>Takes a place for <paramref name="key"/>, the total limit first, then the key's own.</summary>
    public Refusal TryTake(IpKey key, out AdmissionLease lease)
    {
        var now = _time.GetTimestamp();
        lock (_lock)
        {
            // Read inside the lock: once Settle() has returned after a change, no decision uses the older policy.
            var policy = _policies.Current;
            var slot = FindOrAdd(key, now);
            ref var record = ref _records[slot];
            record.LastSeen = now;

            var refusal = _total >= policy.Total ? Refusal.TotalLimit
                : record.Live >= policy.PerIp ? Refusal.PerIpLimit
                : Refusal.None;
            if (refusal != Refusal.None)
            {
                record.Refused++;
                _refused[(int)refusal]++;
                if (record.Live == 0)
                {
                    _idle.Touch(_records, slot);
                }

                lease = default;
                return refusal;
            }

            if (record.Live == 0)
            {
                _idle.Remove(_records, slot);
                _keysHolding++;
            }

            record.Live++;
            record.Admitted++;
            record.Peak = Math.Max(record.Peak, record.Live);
            _total++;
            _admitted++;
            _peak = Math.Max(_peak, _total);
            lease = NewLease(slot);
            return Refusal.None;
        }
    }

    /// <summary>Counts a refusal that was decided before a place was asked for.</summary>
    public void CountRefusal(IpKey key, Refusal refusal)
    {
        var now = _time.GetTimestamp();
        lock (_lock)
        {
            var slot = FindOrAdd(key, now);
            ref var record = ref _records[slot];
            record.LastSeen = now;
            record.Refused++;
            _refused[(int)refusal]++;
            if (record.Live == 0)
            {
                _idle.Touch(_records, slot);
            }
        }
    }

    /// <summary>Gives a place back; only the first call for a lease does anything.</summary>
    public void Release(in AdmissionLease lease)
    {
        lock (_lock)
        {
            ref var held = ref _leases[lease.Slot];
            if (held.Generation != lease.Generation)
            {
                return;
            }

            var slot = held.Record;
            held.Generation++;
            held.Record = None;
            held.NextFree = _freeLease;
            _freeLease = lease.Slot;

            ref var record = ref _records[slot];
            record.LastSeen = _time.GetTimestamp();
            record.Live--;
            _total--;
            if (record.Live == 0)
            {
                _keysHolding--;
                _idle.Touch(_records, slot);
                Forget(_idle.Overflow());
            }
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
            var perIp = _policies.Current.PerIp;
            var over = 0;
            foreach (var slot in _index.Values)
            {
                over += _records[slot].Live > perIp ? 1 : 0;
            }

            return (_total, over);
        }
    }

    public LedgerTotals Totals()
    {
        lock (_lock)
        {
            return new LedgerTotals(
                _total,
                _peak,
                _keysHolding,
                _admitted,
                _refused[(int)Refusal.TotalLimit],
                _refused[(int)Refusal.PerIpLimit],
                _refused[(int)Refusal.Stopping]);
        }
    }

    /// <summary>Every key that holds a connection or is remembered, in no order.</summary>
    public KeyTotals[] Keys()
    {
        lock (_lock)
        {
            var keys = new KeyTotals[_index.Count];
            var i = 0;
            foreach (var (key, slot) in _index)
            {
                ref var r = ref _records[slot];
                keys[i++] = new KeyTotals(key, r.Live, r.Peak, r.Admitted, r.Refused, r.FirstSeen, r.LastSeen);
            }

            return keys;
        }
    }

    /// <summary>Every lease that is held now, with its key: what the self-audit compares with the live sockets.</summary>
    public Dictionary<AdmissionLease, IpKey> HeldLeases()
    {
        lock (_lock)
        {
            var held = new Dictionary<AdmissionLease, IpKey>(_total);
            for (var i = 0; i < _leasesUsed; i++)
            {
                if (_leases[i].Record != None)
                {
                    held.Add(new AdmissionLease(this, i, _leases[i].Generation), _records[_leases[i].Record].Key);
                }
            }

            return held;
        }
    }

    private int FindOrAdd(IpKey key, long now)
    {
        ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(_index, key, out var exists);
        if (exists)
        {
            return slot;
        }

        if (_freeRecord != None)
        {
            slot = _freeRecord;
            _freeRecord = _records[slot].Next;
        }
        else
        {
            if (_recordsUsed == _records.Length)
            {
                Array.Resize(ref _records, _records.Length * 2);
            }

            slot = _recordsUsed++;
        }

        var added = slot;
        _records[added] = new KeyRecord { Key = key, FirstSeen = now, Next = None, Previous = None };
        _idle.Touch(_records, added);
        Forget(_idle.Overflow(except: added));
        return added;
    }

    private void Forget(int slot)
    {
        if (slot == None)
        {
            return;
        }

        _idle.Remove(_records, slot);
        _index.Remove(_records[slot].Key);
        _records[slot].Next = _freeRecord;
        _freeRecord = slot;
    }

    private AdmissionLease NewLease(int record)
    {
        int slot;
        if (_freeLease != None)
        {
            slot = _freeLease;
            _freeLease = _leases[slot].NextFree;
        }
        else
        {
            if (_leasesUsed == _leases.Length)
            {
                Array.Resize(ref _leases, _leases.Length * 2);
            }

            slot = _leasesUsed++;
        }

        _leases[slot].Record = record;
        return new AdmissionLease(this, slot, _leases[slot].Generation);
    }

    private struct LeaseSlot
    {
        public int Record;
        public int NextFree;

        // Moves on at each release: an old lease no longer fits.
        public uint Generation;
    }
}

/// <summary>What the ledger says in all.</summary>
internal readonly record struct LedgerTotals(
    int Live, int Peak, int KeysHolding, long Admitted, long RefusedTotal, long RefusedPerIp, long RefusedStopping);

/// <summary>What the ledger says of one key. Times are of <see cref="TimeProvider.GetTimestamp"/>.</summary>
internal readonly record struct KeyTotals(
    IpKey Key, int Live, int Peak, long Admitted, long Refused, long FirstSeen, long LastSeen);
