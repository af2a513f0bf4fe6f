namespace Relay.Admission;

/// <summary>The leases that are out, by slot. Touched only under the ledger's lock.</summary>
internal sealed class LeaseSlots
{
    /// <summary>Stands for the record of a lease that counts against no limit.</summary>
    public const int Uncounted = -2;

    private const int None = -1;

    private Slot[] _slots = new Slot[64];
    private int _used;
    private int _free = None;

    /// <summary>A new lease on a record.</summary>
    public (int Slot, uint Generation) Acquire(int record)
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

        _slots[slot].Record = record;
        return (slot, _slots[slot].Generation);
    }

    /// <summary>Ends a lease and returns its record; false for one that has ended already.</summary>
    public bool TryEnd(int slot, uint generation, out int record)
    {
        ref var held = ref _slots[slot];
        record = held.Record;
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

    /// <summary>Slot, generation and record of each lease that is out.</summary>
    public IEnumerable<(int Slot, uint Generation, int Record)> Held()
    {
        for (var i = 0; i < _used; i++)
        {
            if (_slots[i].Record != None)
            {
                yield return (i, _slots[i].Generation, _slots[i].Record);
            }
        }
    }

    private struct Slot
    {
        public int Record;
        public int NextFree;
        public uint Generation;
    }
}
