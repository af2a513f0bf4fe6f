using Relay.Addresses;
using Relay.Limits;

namespace Relay.Admission;

/// <summary>What the books say, each time at one moment. Changes nothing.</summary>
internal sealed partial class ConnectionLedger
{
    private static readonly TimeSpan ReplayWindow = TimeSpan.FromMinutes(10);

    /// <summary>What a policy would mean for the sockets that are live and for the admissions of the last minutes.</summary>
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
            return new LedgerTotals(_total, _uncounted.Count, _peak, _records.Holding, _admitted, _ceiling, [.. _refused]);
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

    /// <summary>The rung that a key stands on by itself.</summary>
    public Rung RungOf(IpKey key)
    {
        lock (_lock)
        {
            return _records.Find(key) is >= 0 and var slot ? _records[slot].Refusals.Current(_rungs, _time.GetTimestamp(), _time) : Rung.Calm;
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
}
