using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>
/// The latest admissions with the counts that they found, so that a change can be tried on them. A ring of fixed size;
/// touched only under the ledger's lock.
/// </summary>
internal sealed class RecentAdmissions(int capacity)
{
    private Entry[] _entries = new Entry[Math.Min(64, capacity)];
    private int _next;
    private int _count;

    public void Add(long now, IpKey address, IpKey key, in LiveCounts live)
    {
        if (_next == _entries.Length)
        {
            if (_entries.Length < capacity)
            {
                Array.Resize(ref _entries, Math.Min(_entries.Length * 2, capacity));
            }
            else
            {
                _next = 0;
            }
        }

        _entries[_next++] = new Entry(now, address, key, live);
        _count = Math.Min(_count + 1, _entries.Length);
    }

    /// <summary>Admissions since <paramref name="since"/>, how many of them <paramref name="policy"/> refuses, and when the first was.</summary>
    public (int Admitted, int Refused, long First) Replay(LimitPolicy policy, long since, TimeProvider time)
    {
        var (admitted, refused, first) = (0, 0, long.MaxValue);
        for (var i = 0; i < _count; i++)
        {
            ref var entry = ref _entries[i];
            if (entry.Time < since)
            {
                continue;
            }

            admitted++;
            first = Math.Min(first, entry.Time);
            if (policy.For(entry.Address, entry.Key, time).Judge(entry.Key, entry.Live, int.MaxValue) != Refusal.None)
            {
                refused++;
            }
        }

        return (admitted, refused, first);
    }

    private readonly record struct Entry(long Time, IpKey Address, IpKey Key, LiveCounts Live);
}
