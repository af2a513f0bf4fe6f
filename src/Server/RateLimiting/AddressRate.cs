using System.Runtime.InteropServices;
using Relay.Addresses;

namespace Relay.RateLimiting;

/// <summary>How often each address may do something: so many times at once, and as many again in a minute. One that has not for a minute is forgotten.</summary>
internal sealed class AddressRate(int perMinute, TimeProvider time)
{
    // Far above what connection limits let happen within a minute; when it is full, new addresses wait.
    private const int MaxAddresses = 65_536;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Dictionary<IpKey, (TokenBucket Bucket, long Last)> _addresses = [];
    private long _lastForgot = time.GetTimestamp();

    public bool TryTake(IpKey key)
    {
        lock (_lock)
        {
            Forget();
            if (_addresses.Count >= MaxAddresses && !_addresses.ContainsKey(key))
            {
                return false;
            }

            ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_addresses, key, out _);
            entry.Last = time.GetTimestamp();
            return entry.Bucket.TryTake(1, perMinute, Minute, time);
        }
    }

    private void Forget()
    {
        if (time.GetElapsedTime(_lastForgot) < Minute)
        {
            return;
        }

        _lastForgot = time.GetTimestamp();
        foreach (var (key, entry) in _addresses)
        {
            if (time.GetElapsedTime(entry.Last) >= Minute)
            {
                _addresses.Remove(key);
            }
        }
    }
}
