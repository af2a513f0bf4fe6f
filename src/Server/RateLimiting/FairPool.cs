using System.Runtime.InteropServices;
using Relay.Addresses;

namespace Relay.RateLimiting;

/// <summary>Something that an address holds in a <see cref="FairPool{T}"/>.</summary>
/// <param name="Size">What it counts for, in the pool's own unit.</param>
internal readonly record struct Held<T>(IpKey Holder, long Size, T Item);

/// <summary>
/// What many addresses keep in one bounded place, with the one to remove when it is full: something of whoever holds
/// most by <see cref="FairShares"/>, never what is merely oldest of all. Not thread-safe; its owner guards it.
/// </summary>
internal sealed class FairPool<T>
{
    private readonly FairShares _shares = new();

    // Of each address the oldest first, or the one used longest ago where the owner calls Touch.
    private readonly Dictionary<IpKey, LinkedList<Held<T>>> _held = [];

    public int Count { get; private set; }

    /// <summary>The sizes of all together.</summary>
    public long Size => _shares.Total;

    public IEnumerable<T> Items => _held.Values.SelectMany(own => own, (_, held) => held.Item);

    /// <summary>How many things an address holds.</summary>
    public int CountOf(IpKey holder) => _held.TryGetValue(holder, out var own) ? own.Count : 0;

    /// <summary>All that the address holds which holds most, oldest first. There is no such address while nothing is held.</summary>
    public LinkedList<Held<T>> Largest => _held[_shares.Largest(default)];

    /// <summary>Adds something, whether it fits or not; what has to go instead says <see cref="Surplus"/>. The size is at least 1.</summary>
    public LinkedListNode<Held<T>> Add(IpKey holder, long size, T item)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        _shares.Add(holder, size);
        Count++;
        ref var own = ref CollectionsMarshal.GetValueRefOrAddDefault(_held, holder, out _);
        return (own ??= []).AddLast(new Held<T>(holder, size, item));
    }

    /// <summary>It is its holder's newest now.</summary>
    public static void Touch(LinkedListNode<Held<T>> node)
    {
        var own = node.List!;
        own.Remove(node);
        own.AddLast(node);
    }

    /// <summary>Removes something; a second time, nothing.</summary>
    public void Remove(LinkedListNode<Held<T>> node)
    {
        if (node.List is not { } own)
        {
            return;
        }

        own.Remove(node);
        if (own.Count == 0)
        {
            _held.Remove(node.Value.Holder);
        }

        _shares.Add(node.Value.Holder, -node.Value.Size);
        Count--;
    }

    /// <summary>
    /// All that the address holds which has to give way to <paramref name="added"/>, oldest first. It is the list that the
    /// added itself is in when nobody holds more than its own holder: the owner chooses between its oldest and itself.
    /// </summary>
    public LinkedList<Held<T>> Surplus(LinkedListNode<Held<T>> added) => _held[_shares.Largest(added.Value.Holder)];
}
