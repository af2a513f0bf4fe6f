using System.Runtime.InteropServices;
using Relay.Admission;
using Relay.Presence;

namespace Relay.Signaling;

/// <summary>How often one socket and one address may ask to pair. An address that has not asked for a minute is forgotten.</summary>
internal sealed class PairRequestRate(SignalingOptions options, TimeProvider time)
{
    // Far above what the connection limits let ask within a minute; when it is full, new addresses wait.
    private const int MaxAddresses = 65_536;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Dictionary<IpKey, (TokenBucket Bucket, long LastAsked)> _addresses = [];
    private long _lastForgot = time.GetTimestamp();

    public bool TryTake(Client client) =>
        client.PairRequests.TryTake(1, options.PairRequestsPerMinute, Minute, time) && TryTake(client.Session.Key);

    private bool TryTake(IpKey key)
    {
        lock (_lock)
        {
            Forget();
            if (_addresses.Count >= MaxAddresses && !_addresses.ContainsKey(key))
            {
                return false;
            }

            ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_addresses, key, out _);
            entry.LastAsked = time.GetTimestamp();
            return entry.Bucket.TryTake(1, options.PairRequestsPerMinutePerIp, Minute, time);
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
            if (time.GetElapsedTime(entry.LastAsked) >= Minute)
            {
                _addresses.Remove(key);
            }
        }
    }
}
