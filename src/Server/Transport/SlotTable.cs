namespace Relay.Transport;

/// <summary>
/// What is open, each at a number of its own: 8 bytes for each, where a dictionary's node has 48 and takes the object's
/// hash code, which would turn its monitor into one more object.
/// </summary>
internal sealed class SlotTable<T>
    where T : class
{
    private readonly Lock _lock = new();

    // Guarded by _lock. Whoever reads all of them takes no lock: an array that is being replaced misses what is added meanwhile.
    private T?[] _slots = new T?[64];
    private readonly Stack<int> _free = [];
    private int _used;

    // Written under _lock: every accept asks.
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Those that were there when it began and still are; of those that come or go meanwhile some.</summary>
    public IEnumerable<T> All
    {
        get
        {
            var slots = Volatile.Read(ref _slots);
            for (var slot = 0; slot < slots.Length; slot++)
            {
                if (Volatile.Read(ref slots[slot]) is { } item)
                {
                    yield return item;
                }
            }
        }
    }

    /// <summary>Returns the item's number, which <see cref="Remove"/> needs.</summary>
    public int Add(T item)
    {
        lock (_lock)
        {
            if (!_free.TryPop(out var slot))
            {
                slot = _used++;
                if (slot == _slots.Length)
                {
                    Array.Resize(ref _slots, 2 * slot);
                }
            }

            Volatile.Write(ref _slots[slot], item);
            _count++;
            return slot;
        }
    }

    /// <summary>Does nothing when the item is not, or no longer, at that number.</summary>
    public void Remove(int slot, T item)
    {
        lock (_lock)
        {
            if (slot < 0 || _slots[slot] != item)
            {
                return;
            }

            Volatile.Write(ref _slots[slot], null);
            _free.Push(slot);
            _count--;
        }
    }
}
