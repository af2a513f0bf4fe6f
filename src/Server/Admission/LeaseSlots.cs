namespace Relay.Admission;

/// <summary>The leases that are out, by slot. Touched only under the ledger's lock.</summary>
internal sealed class LeaseSlots
{
    /// <summary>Stands for the record of a lease that counts against no limit.</summary>
    public const int Uncounted = -2;

    /// <summary>Stands for the record of a lease that counts by its person alone.</summary>
    public const int BySubject = -3;

    /// <summary>No record.</summary>
    public const int None = -1;

    private Slot[] _slots = new Slot[64];
    private int _used;
    private int _free = None;

    /// <summary>A new lease on a record, and on that of a person or None.</summary>
    public (int Slot, uint Generation) Acquire(int record, int subject)
    {
        int slot;
        if (_free != None)
        {
            slot = _free;
            _free = _slots[slot].NextFree;
        }
        else
        {
            if (_used == _slots.Length)
            {
                Array.Resize(ref _slots, _slots.Length * 2);
            }

            slot = _used++;
        }

        (_slots[slot].Record, _slots[slot].Subject) = (record, subject);
        return (slot, _slots[slot].Generation);
    }

    /// <summary>Ends a lease and returns its records; false for one that has ended already.</summary>
    public bool TryEnd(int slot, uint generation, out int record, out int subject)
    {
        ref var held = ref _slots[slot];
        (record, subject) = (held.Record, held.Subject);
        if (held.Generation != generation)
        {
            return false;
        }

        // Moves on at each end: an old lease no longer fits.
        held.Generation++;
        held.Record = None;
        held.NextFree = _free;
        _free = slot;
        return true;
    }

    /// <summary>Slot, generation and records of each lease that is out.</summary>
    public IEnumerable<(int Slot, uint Generation, int Record, int Subject)> Held()
    {
        for (var i = 0; i < _used; i++)
        {
            if (_slots[i].Record != None)
            {
                yield return (i, _slots[i].Generation, _slots[i].Record, _slots[i].Subject);
            }
        }
    }

    private struct Slot
    {
        public int Record;
        public int Subject;
        public int NextFree;
        public uint Generation;
    }
}
