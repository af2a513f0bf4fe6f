namespace Relay.Admission;

/// <summary>Records without a connection, in the order they were last seen; links in the records themselves.</summary>
internal sealed class IdleRecords
{
    private const int None = -1;

    private int _newest = None;

    public int Count { get; private set; }

    /// <summary>The one seen longest ago, or -1.</summary>
    public int Oldest { get; private set; } = None;

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
            Oldest = slot;
        }
        else
        {
            records[_newest].Next = slot;
        }

        _newest = slot;
        Count++;
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
            Oldest = record.Next;
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
        Count--;
    }
}
