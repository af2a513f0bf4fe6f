using Relay.Addresses;
using Relay.Protocol.Moving;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>Leases and rates of clients that come from another process.</summary>
internal sealed partial class ConnectionLedger
{
    /// <summary>A lease for a client that has one in the process before, whatever the limits are by now; what it counts by.</summary>
    public IpKey Restore(IpKey address, Subject? subject, long now, out AdmissionLease lease)
    {
        lock (_lock)
        {
            var policy = _policies.Current;
            var (slot, person) = _occupancy.Find(policy, address, default, subject, now, out var input);
            if (KeyLimits.Of(policy, address, input.Key).IsCounted)
            {
                _occupancy.EnterUnjudged(slot, person);
                lease = NewLease(slot, person);
            }
            else
            {
                lease = NewLease(LeaseSlots.Uncounted, person);
                _occupancy.EnterUncounted(lease.Slot, address.TruncateIpv6(policy.Ipv6Prefix), person);
            }

            return input.Key;
        }
    }

    /// <summary>How fast addresses, people, and all together have connected, where that matters still.</summary>
    public IReadOnlyList<MovedRate> SaveRates(MovedTime time)
    {
        var rates = new List<MovedRate>();
        lock (_lock)
        {
            var policy = _policies.Current;
            Add(MovedRate.Types.Kind.ConnectTotal, default, policy.RateTotal, 1, _occupancy.Rate);
            for (var slot = 0; slot < _occupancy.Records.Used; slot++)
            {
                ref var record = ref _occupancy.Records[slot];
                if (record.IsInUse)
                {
                    Add(MovedRate.Types.Kind.Connect, record.Key, policy.RatePerIp, KeyLimits.Of(policy, record.Key, record.Key).RateScale, record.Rate);
                }
            }

            foreach (var (row, subject) in _occupancy.Subjects.Snapshot())
            {
                Add(MovedRate.Types.Kind.ConnectSubject, subject.Key, policy.RatePerIp, 1, _occupancy.Subjects[row.Slot].Rate, subject.Name);
            }
        }

        return rates;

        void Add(MovedRate.Types.Kind kind, IpKey key, Policy.ConnectRate rate, double scale, in TokenBucket bucket, string subject = "")
        {
            if (!rate.IsOff && bucket.TakenOf(rate.Burst * scale, rate.FillTime, time.Now, time.Provider) is > 0 and var taken)
            {
                rates.Add(new MovedRate { Kind = kind, Address = MovedAddresses.ToMessage(key), Taken = taken, Subject = subject });
            }
        }
    }

    /// <summary>Takes a rate of another process; false: it is none of these.</summary>
    public bool TryRestore(MovedRate rate, MovedTime time)
    {
        var bucket = TokenBucket.Of(rate.Taken, time.Now);
        lock (_lock)
        {
            switch (rate.Kind)
            {
                case MovedRate.Types.Kind.ConnectTotal:
                    _occupancy.Rate = bucket;
                    return true;
                case MovedRate.Types.Kind.Connect:
                    var record = _occupancy.Records.FindOrAdd(MovedAddresses.Read(rate.Address), time.Now, _policies.Current.RatePerIp);
                    _occupancy.Records[record].Rate = bucket;
                    return true;
                case MovedRate.Types.Kind.ConnectSubject:
                    var person = _occupancy.Subjects.FindOrAdd(new Subject(rate.Subject), time.Now);
                    _occupancy.Subjects[person].Rate = bucket;
                    return true;
                default:
                    return false;
            }
        }
    }
}
