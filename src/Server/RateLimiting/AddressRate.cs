using Relay.Addresses;
using Relay.Protocol.Moving;

namespace Relay.RateLimiting;

/// <summary>
/// How often each address may do something: so many times at once, and as many again in a minute. One that has not for a
/// minute is forgotten; in a full table, one of the network that has most addresses in it.
/// </summary>
internal sealed class AddressRate(int perMinute, TimeProvider time, int maxAddresses = 65_536)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Dictionary<IpKey, LinkedListNode<Held<Entry>>> _addresses = [];
    private readonly FairPool<Entry> _shares = new();
    private long _lastForgot = time.GetTimestamp();

    /// <summary>False: too often, or the table is full of addresses whose networks have no more of them than this one's.</summary>
    public bool TryTake(IpKey key)
    {
        lock (_lock)
        {
            Forget();
            if (!_addresses.TryGetValue(key, out var node) && !TryAdd(key, out node))
            {
                return false;
            }

            var entry = node.Value.Item;
            entry.Last = time.GetTimestamp();
            return entry.Bucket.TryTake(1, perMinute, Minute, time);
        }
    }

    /// <summary>What addresses have taken, where that matters still.</summary>
    public IReadOnlyList<MovedRate> Save(MovedRate.Types.Kind kind, MovedTime moment)
    {
        lock (_lock)
        {
            return [.. from pair in _addresses
                let taken = pair.Value.Value.Item.Bucket.TakenOf(perMinute, Minute, moment.Now, time)
                where taken > 0
                select new MovedRate { Kind = kind, Address = MovedAddresses.ToMessage(pair.Key), Taken = taken }];
        }
    }

    /// <summary>What an address has taken in another process.</summary>
    public void Restore(MovedRate rate, MovedTime moment)
    {
        lock (_lock)
        {
            var key = MovedAddresses.Read(rate.Address);
            if (_addresses.TryGetValue(key, out var node) || TryAdd(key, out node))
            {
                node.Value.Item.Last = moment.Now;
                node.Value.Item.Bucket = TokenBucket.Of(rate.Taken, moment.Now);
            }
        }
    }

    private bool TryAdd(IpKey key, out LinkedListNode<Held<Entry>> node)
    {
        node = _shares.Add(key, 1, new Entry());
        _addresses.Add(key, node);
        if (_addresses.Count > maxAddresses)
        {
            Remove(_shares.Surplus(node).First!);
        }

        return node.List is not null;
    }

    private void Forget()
    {
        if (time.GetElapsedTime(_lastForgot) < Minute)
        {
            return;
        }

        _lastForgot = time.GetTimestamp();
        foreach (var (_, node) in _addresses)
        {
            if (time.GetElapsedTime(node.Value.Item.Last) >= Minute)
            {
                Remove(node);
            }
        }
    }

    private void Remove(LinkedListNode<Held<Entry>> node)
    {
        _addresses.Remove(node.Value.Holder);
        _shares.Remove(node);
    }

    private sealed class Entry
    {
        public TokenBucket Bucket;

        public long Last;
    }
}
