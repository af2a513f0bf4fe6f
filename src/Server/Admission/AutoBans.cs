using System.Runtime.InteropServices;
using Relay.Addresses;

namespace Relay.Admission;

/// <summary>A ban that the relay made itself.</summary>
internal readonly record struct AutoBan(IpPrefix Network, DateTimeOffset Until, int Times);

/// <summary>
/// Counts what each address does wrong, and bans it for a while: each time for twice as long. Kept in memory only, apart
/// from the policy: a flood must not write the operators' history full.
/// </summary>
internal sealed class AutoBans(AutoBanOptions options, ProtectedNetworks protectedNetworks, TimeProvider time)
{
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Dictionary<IpKey, Record> _records = [];
    private long _lastForgot = time.GetTimestamp();

    // Atomic: bans made and not yet found to be over. 0, as it mostly is, spares the look.
    private int _active;
    private long _made;

    /// <summary>Bans made since the start.</summary>
    public long Made => Interlocked.Read(ref _made);

    /// <summary>An address was banned. Raised without the lock, on the path of an admission: handlers only queue.</summary>
    public event Action<AutoBan>? Banned;

    public bool IsBanned(IpKey address)
    {
        if (Volatile.Read(ref _active) == 0)
        {
            return false;
        }

        lock (_lock)
        {
            return _records.TryGetValue(address.TruncateIpv6(options.Ipv6Prefix), out var record) && record.BannedUntil > time.GetTimestamp();
        }
    }

    /// <summary>Counts one violation: a refusal that was the client's doing, or a breach of the protocol.</summary>
    public void RecordViolation(IpKey address)
    {
        if (options.Threshold == 0 || address == IpKey.Unresolved || protectedNetworks.Why(address, options.PrivateNetworks) is not null)
        {
            return;
        }

        AutoBan ban;
        lock (_lock)
        {
            var now = time.GetTimestamp();
            Forget(now);
            var key = address.TruncateIpv6(options.Ipv6Prefix);
            if (_records.Count >= options.MaxAddresses && !_records.ContainsKey(key))
            {
                return;
            }

            ref var record = ref CollectionsMarshal.GetValueRefOrAddDefault(_records, key, out _);
            if (record.Violations == 0 || time.GetElapsedTime(record.Since, now) > options.Window)
            {
                (record.Since, record.Violations) = (now, 0);
            }

            if (++record.Violations < options.Threshold || record.BannedUntil > now)
            {
                return;
            }

            var length = Math.Min(options.Duration.TotalSeconds * Math.Pow(2, Math.Min(record.Times, 30)), options.MaxDuration.TotalSeconds);
            record.Times++;
            record.Violations = 0;
            record.BannedUntil = now + (long)(length * time.TimestampFrequency);
            _active++;
            _made++;
            ban = new AutoBan(new IpPrefix(key), time.GetUtcNow().AddSeconds(length), record.Times);
        }

        Banned?.Invoke(ban);
    }

    /// <summary>The bans in effect.</summary>
    public IReadOnlyList<AutoBan> All()
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            return
            [
                .. from entry in _records
                    where entry.Value.BannedUntil > now
                    select new AutoBan(new IpPrefix(entry.Key), time.GetUtcNow() + time.GetElapsedTime(now, entry.Value.BannedUntil), entry.Value.Times),
            ];
        }
    }

    /// <summary>Ends the bans that lie within a network, and forgets what led to them.</summary>
    public IReadOnlyList<AutoBan> Remove(IpPrefix network)
    {
        var ended = All().Where(ban => network.Contains(ban.Network)).ToList();
        lock (_lock)
        {
            ended.ForEach(ban => _records.Remove(ban.Network.Key));
            Recount(time.GetTimestamp());
        }

        return ended;
    }

    // Once a window: addresses with neither violations nor a ban are removed.
    private void Forget(long now)
    {
        if (time.GetElapsedTime(_lastForgot, now) < options.Window)
        {
            return;
        }

        _lastForgot = now;
        foreach (var (key, record) in _records)
        {
            if (time.GetElapsedTime(record.Since, now) > options.Window
                && (record.Times == 0 || time.GetElapsedTime(record.BannedUntil, now) > options.MaxDuration))
            {
                _records.Remove(key);
            }
        }

        Recount(now);
    }

    private void Recount(long now) => Volatile.Write(ref _active, _records.Values.Count(record => record.BannedUntil > now));

    private struct Record
    {
        public long Since;
        public int Violations;
        public int Times;
        public long BannedUntil;
    }
}
