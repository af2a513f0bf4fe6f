using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>
/// Keys whose connections have changed since they were last told to the other nodes, and what is read of the records for them. Touched only
/// under the ledger's lock.
/// </summary>
internal sealed class ChangedKeys
{
    // Where the slots of people begin for who reads all.
    private const int FirstSubject = 1 << 30;

    private List<IpKey> _keys = [];

    public void Add(ref KeyRecord record)
    {
        if (!record.IsChanged)
        {
            record.IsChanged = true;
            _keys.Add(record.Key);
        }
    }

    /// <summary>Those that have changed, in exchange for an empty list. A key may be there twice.</summary>
    public List<IpKey> Take(List<IpKey> empty)
    {
        var taken = _keys;
        _keys = empty;
        return taken;
    }

    /// <summary>Fills in what keys that were taken hold now; what they do from now on is a change again.</summary>
    public static void Read(Occupancy occupancy, Span<KeyCount> keys)
    {
        foreach (ref var one in keys)
        {
            var records = one.Key.IsSubject ? occupancy.Subjects.Records : occupancy.Records;
            var slot = records.Find(one.Key);
            one.Live = slot == KeyRecords.None ? 0 : records[slot].Live;
            if (slot != KeyRecords.None)
            {
                records[slot].IsChanged = false;
            }
        }
    }

    /// <summary>What the records from a slot on hold that hold anything, as many as there is capacity for; the slot to go on with, or -1 at the end.</summary>
    public static int ReadLive(Occupancy occupancy, int from, Span<KeyCount> into, out int count)
    {
        var isSubjects = from >= FirstSubject;
        var records = isSubjects ? occupancy.Subjects.Records : occupancy.Records;
        var first = isSubjects ? FirstSubject : 0;
        from -= first;

        // As long as for a batch of records that all hold something.
        var end = Math.Min(records.Used, from + into.Length);
        count = 0;
        for (var slot = from; slot < end; slot++)
        {
            ref var record = ref records[slot];
            if (record.Live > 0)
            {
                into[count++] = new KeyCount(record.Key, record.Live);
            }
        }

        return end < records.Used ? first + end : isSubjects ? -1 : FirstSubject;
    }

    /// <summary>Of keys of which other nodes now hold more: how many have got above their limits by that in all nodes together, and how far the worst is above.</summary>
    public static (int Keys, int Worst) Overshoot(KeyRecords records, LimitPolicy policy, ReadOnlySpan<RemoteGrowth> grown)
    {
        var (keys, worst) = (0, 0);
        foreach (ref readonly var one in grown)
        {
            if (records.Find(one.Key) is >= 0 and var slot && records[slot].Live is > 0 and var live
                && KeyLimits.MaxOf(policy, one.Key, records[slot].IsNetwork) is var max && live + one.Now > max)
            {
                keys += live + one.Before <= max ? 1 : 0;
                worst = Math.Max(worst, live + one.Now - max);
            }
        }

        return (keys, worst);
    }
}
