using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>The records of people, with their names. Bounded like those of addresses, and apart from them, so that neither crowds the other out. Touched only under the ledger's lock.</summary>
internal sealed class SubjectRecords(int remembered, int ipv6Prefix, TimeProvider time)
{
    // By slot of the record.
    private Subject?[] _subjects = new Subject?[64];

    public KeyRecords Records { get; } = new(remembered, ipv6Prefix, time);

    public ref KeyRecord this[int slot] => ref Records[slot];

    /// <summary>The record of somebody who asks to come in.</summary>
    public int FindOrAdd(Subject subject, long now)
    {
        var slot = Records.FindOrAdd(subject.Key, now, ConnectRate.Off);
        if (slot >= _subjects.Length)
        {
            Array.Resize(ref _subjects, Math.Max(slot + 1, _subjects.Length * 2));
        }

        _subjects[slot] = subject;
        Records[slot].LastSeen = now;
        return slot;
    }

    /// <summary>Somebody as he came in last; null: he is not remembered.</summary>
    public Subject? Find(IpKey key) => Records.Find(key) is >= 0 and var slot ? _subjects[slot] : null;

    /// <summary>A copy of all records, for reading without the ledger's lock.</summary>
    public (KeyRow Row, Subject Subject)[] Snapshot() => [.. Records.Snapshot().Select(row => (row, _subjects[row.Slot]!))];
}
