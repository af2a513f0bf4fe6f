using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>A copied record with its slot, and those of its networks or -1.</summary>
internal readonly record struct KeyRow(int Slot, int Near, int Far, KeyTotals Totals);

/// <summary>A lease that is held.</summary>
/// <param name="Record">The slot of the record that it counts in, or <see cref="LeaseSlots.Uncounted"/>, or <see cref="LeaseSlots.BySubject"/>.</param>
/// <param name="Subject">The slot of its person's record, or None.</param>
/// <param name="Key">What it counts by, or would.</param>
internal readonly record struct HeldLease(AdmissionLease Lease, int Record, int Subject, IpKey Key);

/// <summary>A copy of the ledger at one moment, which can be read as long as it takes without holding up a decision.</summary>
internal sealed class LedgerSnapshot(int total, int uncounted, KeyRow[] rows, (KeyRow Row, Subject Subject)[] subjects, HeldLease[] leases)
{
    public int Total => total;

    public int Uncounted => uncounted;

    /// <summary>Every lease that is held, with its key.</summary>
    public Dictionary<AdmissionLease, IpKey> HeldLeases() => leases.ToDictionary(held => held.Lease, held => held.Key);

    /// <summary>Every address, or every network, that holds a connection or is remembered, in no order.</summary>
    public KeyTotals[] Keys(bool networks = false)
    {
        var free = UncountedByKey();
        var keys = new List<KeyTotals>(rows.Length);
        foreach (var row in rows)
        {
            if (row.Totals.IsNetwork == networks)
            {
                keys.Add(row.Totals with { Uncounted = free.Remove(row.Totals.Key, out var count) ? count.Connections : 0 });
            }
        }

        keys.AddRange(free.Where(entry => entry.Value.IsNetwork == networks)
            .Select(entry => new KeyTotals(entry.Key, 0) { IsNetwork = networks, Uncounted = entry.Value.Connections }));
        return [.. keys];
    }

    /// <summary>Counts every lease again, per address, network and person; the keys whose count in the ledger differs.</summary>
    public IReadOnlyList<(IpKey Key, int Booked, int Counted)> Recount() => [.. RecountAddresses(), .. RecountSubjects()];

    /// <summary>Every person who holds a connection or is remembered, in no order.</summary>
    public KeyTotals[] Subjects() =>
        [.. subjects.Select(one => one.Row.Totals with { Name = one.Subject.Name, SubjectLimit = one.Subject.Limit })];

    private IEnumerable<(IpKey Key, int Booked, int Counted)> RecountSubjects()
    {
        var counted = leases.CountBy(held => held.Subject).ToDictionary();
        return from one in subjects
               let live = counted.GetValueOrDefault(one.Row.Slot)
               where one.Row.Totals.Live != live
               select (one.Row.Totals.Key, one.Row.Totals.Live, live);
    }

    private (IpKey Key, int Booked, int Counted)[] RecountAddresses()
    {
        var bySlot = rows.ToDictionary(row => row.Slot);
        var counted = new Dictionary<int, int>();
        foreach (var held in leases.Where(held => held.Record >= 0))
        {
            var row = bySlot[held.Record];
            foreach (var slot in new[] { row.Slot, row.Near, row.Far })
            {
                counted[slot] = counted.GetValueOrDefault(slot) + 1;
            }
        }

        return [.. from row in rows
                let live = counted.GetValueOrDefault(row.Slot)
                where row.Totals.Live != live
                select (row.Totals.Key, row.Totals.Live, live)];
    }

    /// <summary>The addresses and networks that hold more than <paramref name="policy"/> allows.</summary>
    public List<KeyOver> Excess(LimitPolicy policy, TimeProvider time)
    {
        var over = new List<KeyOver>();
        foreach (var row in rows)
        {
            var (key, live) = (row.Totals.Key, row.Totals.Live);
            if (live > 0 && KeyLimits.MaxOf(policy, key, row.Totals.IsNetwork) is var limit && live > limit)
            {
                over.Add(new KeyOver(key, row.Totals.IsNetwork, live, limit));
            }
        }

        return over;
    }

    private Dictionary<IpKey, (bool IsNetwork, int Connections)> UncountedByKey()
    {
        var counts = new Dictionary<IpKey, (bool IsNetwork, int Connections)>();
        foreach (var held in leases.Where(held => held.Record == LeaseSlots.Uncounted))
        {
            var (near, far) = Tiers.NetworksOf(held.Key);
            Add(held.Key, isNetwork: false);
            Add(near, isNetwork: true);
            Add(far, isNetwork: true);
        }

        return counts;

        void Add(IpKey? key, bool isNetwork)
        {
            if (key is { } one)
            {
                counts[one] = (isNetwork, counts.GetValueOrDefault(one).Connections + 1);
            }
        }
    }
}
