namespace Relay.Admission;

/// <summary>One key's figures. Lives in the ledger's array and is touched only under the ledger's lock.</summary>
internal struct KeyRecord
{
    public IpKey Key;
    public int Live;
    public int Peak;
    public long Admitted;
    public long Refused;
    public long FirstSeen;
    public long LastSeen;

    // Links of the idle list while Live is 0; Next also links the free list.
    public int Next;
    public int Previous;
    public bool Idle;
}

/// <summary>The records without a connection, in the order they were last seen; bounded, so a flood of addresses cannot grow the ledger.</summary>
internal sealed class IdleRecords(int capacity)
{
    private const int None = -1;

    private int _oldest = None;
    private int _newest = None;
    private int _count;

    /// <summary>Puts a record at the newest end, whether or not it was in the list.</summary>
    public void Touch(KeyRecord[] records, int slot)
    {
        if (_newest == slot)
        {
            return;
        }

        Remove(records, slot);
        ref var record = ref records[slot];
        record.Idle = true;
        record.Previous = _newest;
        record.Next = None;
        if (_newest == None)
        {
            _oldest = slot;
        }
        else
        {
            records[_newest].Next = slot;
        }

        _newest = slot;
        _count++;
    }

    public void Remove(KeyRecord[] records, int slot)
    {
        ref var record = ref records[slot];
        if (!record.Idle)
        {
            return;
        }

        if (record.Previous == None)
        {
            _oldest = record.Next;
        }
        else
        {
            records[record.Previous].Next = record.Next;
        }

        if (record.Next == None)
        {
            _newest = record.Previous;
        }
        else
        {
            records[record.Next].Previous = record.Previous;
        }

        record.Idle = false;
        record.Next = None;
        record.Previous = None;
        _count--;
    }

    /// <summary>The record to forget, or -1 while the list is within its capacity.</summary>
    public int Overflow(int except = None) => _count > capacity && _oldest != except ? _oldest : None;
}
