using Relay.Addresses;

namespace Relay.Admission;

/// <summary>One admission with the counts that it found.</summary>
/// <param name="Time">Of <see cref="TimeProvider.GetTimestamp"/>.</param>
internal readonly record struct PastAdmission(long Time, IpKey Address, IpKey Key, LiveCounts Live);

/// <summary>
/// The latest admissions, so that a change can be tried on them. A ring of fixed size; touched only under the ledger's lock.
/// </summary>
internal sealed class RecentAdmissions(int capacity)
{
    private PastAdmission[] _entries = new PastAdmission[Math.Min(64, capacity)];
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

        _entries[_next++] = new PastAdmission(now, address, key, live);
        _count = Math.Min(_count + 1, _entries.Length);
    }

    /// <summary>A copy, oldest first.</summary>
    public PastAdmission[] Copy()
    {
        // Until the ring is full the oldest is the first; after that it is the next to be overwritten.
        var oldest = _count == _entries.Length ? _next % _count : 0;
        return [.. _entries.AsSpan(oldest, _count - oldest), .. _entries.AsSpan(0, oldest)];
    }
}
