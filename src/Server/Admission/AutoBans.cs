using System.Runtime.InteropServices;
using Relay.Addresses;
using Relay.Events;
using Relay.Protocol.Moving;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>A ban that the relay made itself.</summary>
internal readonly record struct AutoBan(IpPrefix Network, DateTimeOffset Until, int Times);

/// <summary>
/// Counts what each address does wrong, and bans it for a while: each time for twice as long. Kept in memory only, apart
/// from the policy: a flood must not write the operators' history full.
/// </summary>
internal sealed class AutoBans(AutoBanOptions options, ProtectedNetworks protectedNetworks, RelayEvents events, TimeProvider time)
{
    /// <summary>Time between two sweeps.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Events of each kind in an interval. An attack from thousands of addresses must not push out of the stream what else happens.
    private const int MaxToldSingly = 100;

    // Bans that end while the lock is held once: connections wait for it.
    private const int MaxEndedAtOnce = 256;

    private readonly Lock _lock = new();

    // Guarded by _lock. Each ban stands in _ending once, until it was found to be over or is lifted. An address that was banned
    // again before that stands there twice, and its end is that of its record.
    private readonly Dictionary<IpKey, Record> _records = [];
    private readonly FairShares _shares = new();
    private readonly PriorityQueue<IpKey, long> _ending = new();
    private long _lastForgot = time.GetTimestamp();
    private int _madeSinceSweep;

    // The number of those in _ending, written under _lock. 0, as it mostly is, spares the look.
    private int _active;
    private long _made;

    /// <summary>Bans made since the start.</summary>
    public long Made => Interlocked.Read(ref _made);

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

        lock (_lock)
        {
            var now = time.GetTimestamp();
            Forget(now);
            var key = address.TruncateIpv6(options.Ipv6Prefix);
            if (!_records.ContainsKey(key) && !TryMakeRoom(key, now))
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
            _ending.Enqueue(key, record.BannedUntil);
            Volatile.Write(ref _active, _ending.Count);
            _made++;
            if (++_madeSinceSweep <= MaxToldSingly)
            {
                events.Publish(new AddressBanned(new AutoBan(new IpPrefix(key), time.GetUtcNow().AddSeconds(length), record.Times)));
            }
        }
    }

    /// <summary>Publishes the bans that expired, and how many more were made or expired than were published one by one.</summary>
    public void Sweep()
    {
        lock (_lock)
        {
            if (_madeSinceSweep > MaxToldSingly)
            {
                events.Publish(new MoreAddressesBanned(_madeSinceSweep - MaxToldSingly));
            }

            _madeSinceSweep = 0;
        }

        var ended = 0;
        while (EndSome(ref ended))
        {
        }

        if (ended > MaxToldSingly)
        {
            events.Publish(new MoreAutoBansExpired(ended - MaxToldSingly));
        }
    }

    // False when no ban is left that is over.
    private bool EndSome(ref int ended)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            var isMore = false;
            for (var i = 0; (isMore = _ending.TryPeek(out var key, out var until) && until <= now) && i < MaxEndedAtOnce; i++)
            {
                _ending.Dequeue();
                if (IsLatest(key, until) && ++ended <= MaxToldSingly)
                {
                    events.Publish(new AutoBanExpired(new IpPrefix(key)));
                }
            }

            Volatile.Write(ref _active, _ending.Count);
            return isMore;
        }
    }

    private bool IsLatest(IpKey key, long until) => _records.TryGetValue(key, out var record) && record.BannedUntil == until;

    /// <summary>The bans in force.</summary>
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
        lock (_lock)
        {
            var ended = All().Where(ban => network.Contains(ban.Network)).ToList();
            ended.ForEach(ban => Drop(ban.Network.Key));

            // In one go: to find each in the queue would take its whole length.
            var left = _ending.UnorderedItems.Where(ban => IsLatest(ban.Element, ban.Priority)).ToList();
            _ending.Clear();
            _ending.EnqueueRange(left);
            Volatile.Write(ref _active, _ending.Count);
            return ended;
        }
    }

    /// <summary>All that is known, for another process.</summary>
    public IReadOnlyList<MovedViolations> Save(MovedTime time)
    {
        lock (_lock)
        {
            return
            [
                .. _records.Select(entry => new MovedViolations
                {
                    Address = MovedAddresses.ToMessage(entry.Key),
                    Since = time.AgeOf(entry.Value.Since),
                    Violations = entry.Value.Violations,
                    Bans = entry.Value.Times,
                    BannedFor = entry.Value.Times == 0 ? 0 : time.RemainingOf(entry.Value.BannedUntil),
                }),
            ];
        }
    }

    /// <summary>What another process knew of an address. Its ban was published there.</summary>
    public void Restore(MovedViolations known, MovedTime time)
    {
        var key = MovedAddresses.Read(known.Address);
        lock (_lock)
        {
            if (_records.ContainsKey(key) || !TryMakeRoom(key, time.Now))
            {
                return;
            }

            var until = known.Bans == 0 ? 0 : time.After(known.BannedFor);
            _records[key] = new Record { Since = time.TimestampOf(known.Since), Violations = known.Violations, Times = known.Bans, BannedUntil = until };
            if (until > time.Now)
            {
                _ending.Enqueue(key, until);
                Volatile.Write(ref _active, _ending.Count);
            }
        }
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
                Drop(key);
            }
        }
    }

    // Counts the address; a full table forgets one of the network that has most in it, unless that one is banned.
    private bool TryMakeRoom(IpKey key, long now)
    {
        _shares.Add(key, 1);
        if (_shares.Total <= options.MaxAddresses)
        {
            return true;
        }

        var largest = _shares.Largest(key);
        if (largest == key || _records[largest].BannedUntil > now)
        {
            _shares.Add(key, -1);
            return false;
        }

        Drop(largest);
        return true;
    }

    private void Drop(IpKey key)
    {
        _records.Remove(key);
        _shares.Add(key, -1);
    }

    private struct Record
    {
        public long Since;
        public int Violations;
        public int Times;
        public long BannedUntil;
    }
}
