using System.Runtime.InteropServices;
using Relay.Addresses;
using Relay.Admission;
using Relay.Memory;
using Relay.Policy;
using Relay.RateLimiting;
using Relay.Scheduling;

namespace Relay.Transport;

/// <summary>Why a pending handshake was reset.</summary>
internal enum HandshakeRejection
{
    /// <summary>No whole request in time.</summary>
    Timeout,

    /// <summary>Its address has too many.</summary>
    PerIp,

    /// <summary>There are too many in total, and it is the oldest of whoever has most.</summary>
    Total,
}

/// <summary>
/// The connections that are nobody's yet: PROXY header, TLS, request head, and after a plain answer or a refusal until they
/// are closed. They cost a file each and come before every limit, so they are bounded per address, in total, and in time. When
/// they are too many the one that has waited longest gives way, of its address, or in total of whoever has most, address or network: an
/// honest client is done within a few round trips, a half-open one never.
/// </summary>
internal sealed class HandshakeGuard
{
    /// <summary>What one counts for in the memory budget: 1 KB on plain TCP, some 15 KB in the midst of TLS.</summary>
    public const int PendingBytes = 8 * 1024;

    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly string[] Labels = ["timeout", "per_ip", "total"];

    private readonly PublicListenerOptions _options;
    private readonly LimitPolicyStore _policies;
    private readonly AdmissionGate _gate;
    private readonly MemoryBudget _memory;
    private readonly TimeProvider _time;
    private readonly SweepClock _clock;
    private readonly Lock _lock = new();

    // Guarded by _lock, each in the order of arrival: all, and those of each key.
    private HandshakeQueue _waiting = new(HandshakeLink.All);
    private readonly Dictionary<IpKey, HandshakeQueue> _perKey = [];

    private readonly SpareHandshakes _spare = new();

    // Who has how many. Kept only where there are too many, for it costs memory per address: from when somebody had to give way until
    // most of them are gone.
    private FairShares? _shares;
    private int _minShared;
    private readonly long[] _rejected = new long[Labels.Length];

    // Set once, before anything is accepted.
    private int _max;

    public HandshakeGuard(PublicListenerOptions options, LimitPolicyStore policies, AdmissionGate gate, MemoryBudget memory, TimeProvider time)
    {
        (_options, _policies, _gate, _memory, _time) = (options, policies, gate, memory, time);
        _clock = new SweepClock(time);
        FitInto(int.MaxValue);
    }

    /// <summary>How many there may be.</summary>
    public int Max => _max;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Handshakes that were reset, by reason.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counts() => Labels.Select((label, i) => KeyValuePair.Create(label, Interlocked.Read(ref _rejected[i])));

    /// <summary>Leaves three quarters of the files, and of the memory budget, to connections that are further.</summary>
    public void FitInto(int files) =>
        _max = (int)Math.Max(1, Math.Min(Math.Min(_options.MaxHandshakes, files / 4), _memory.PartLimit / PendingBytes));

    /// <summary>Takes a connection in that was just accepted.</summary>
    /// <param name="address">Whose it is; null: a proxy's, who brings many.</param>
    public void Enter(Connection connection, IpKey? address)
    {
        Handshake? displaced = null;
        Handshake? oldestOfKey;
        lock (_lock)
        {
            var handshake = _spare.Take(this, connection, _time.GetTimestamp());
            connection.Handshake = handshake;
            _waiting.AddLast(handshake);
            _memory.Add(PendingBytes);
            oldestOfKey = address is { } known ? CountByKey(handshake, known) : null;
            if (_waiting.Count > _max)
            {
                displaced = RejectForRoom();
            }
        }

        displaced?.Connection.Abort();
        Displace(oldestOfKey);
    }

    /// <summary>A proxy's header has said whose connection it is.</summary>
    public void Identify(Connection connection, IpKey address)
    {
        Handshake? oldestOfKey;
        lock (_lock)
        {
            oldestOfKey = connection.Handshake is { Address: null } handshake ? CountByKey(handshake, address) : null;
        }

        Displace(oldestOfKey);
    }

    /// <summary>The connection is an admitted client, a peer, or gone.</summary>
    public void Leave(Connection connection)
    {
        if (connection.Handshake is null)
        {
            return;
        }

        lock (_lock)
        {
            if (connection.Handshake is { } handshake)
            {
                Remove(handshake);
                _spare.Add(handshake);
            }
        }
    }

    /// <summary>Enters a connection in place of another, with all that it has waited; false: that one is no longer pending.</summary>
    public bool TryTransfer(Connection connection, Connection successor)
    {
        lock (_lock)
        {
            if (connection.Handshake is not { } handshake)
            {
                return false;
            }

            connection.Handshake = null;
            handshake.Connection = successor;
            successor.Handshake = handshake;
            return true;
        }
    }

    /// <summary>Resets one as if they were too many: there is no file descriptor left for the next.</summary>
    public void ResetOne()
    {
        Handshake? displaced;
        lock (_lock)
        {
            displaced = _waiting.Count > 0 ? RejectForRoom() : null;
        }

        displaced?.Connection.Abort();
    }

    /// <summary>Resets the expired ones.</summary>
    public void ResetExpired()
    {
        // A relay that stops waits for nobody's request, as Kestrel would; who has asked gets the answer.
        var isStopping = _gate.State.Phase == RelayPhase.Stopping;
        var late = new List<Handshake>();
        _clock.Begin();
        lock (_lock)
        {
            for (var next = _waiting.First; next is { } handshake && (isStopping || IsLate(handshake));)
            {
                next = handshake.InAll.Next;
                if (IsLate(handshake) || !handshake.Connection.HasRequested)
                {
                    late.Add(Reject(handshake, HandshakeRejection.Timeout));
                }
            }
        }

        foreach (var handshake in late)
        {
            handshake.Connection.Abort();
            if (!isStopping)
            {
                RecordViolation(handshake);
            }
        }
    }

    private bool IsLate(Handshake handshake) => _clock.Elapsed(handshake.Since) >= _options.HandshakeTimeout;

    // Under the lock. The one that is to go because its address has too many; null: it has not.
    private Handshake? CountByKey(Handshake handshake, IpKey address)
    {
        var policy = _policies.Current;
        var key = address.TruncateIpv6(policy.Ipv6Prefix);
        ref var ofKey = ref CollectionsMarshal.GetValueRefOrAddDefault(_perKey, key, out _);
        var oldest = ofKey.Count >= _options.MaxHandshakesPerIp && ofKey.Count >= KeyLimits.Of(policy, address, key).Max.Key ? ofKey.First : null;
        (handshake.Address, handshake.Key) = (address, key);
        ofKey.AddLast(handshake);
        _shares?.Add(key, 1);
        return oldest is null ? null : Reject(oldest, HandshakeRejection.PerIp);
    }

    private void Displace(Handshake? oldestOfKey)
    {
        if (oldestOfKey is not null)
        {
            oldestOfKey.Connection.Abort();
            RecordViolation(oldestOfKey);
        }
    }

    // Whoever has sent a whole request has done nothing wrong by it.
    private void RecordViolation(Handshake handshake)
    {
        if (handshake.Address is { } address && !handshake.Connection.HasRequested)
        {
            _gate.RecordViolation(address);
        }
    }

    // Under the lock. The oldest, or, where somebody has more than the address and network of that one, his oldest. Who has not been named by his
    // proxy yet goes by age.
    private Handshake RejectForRoom()
    {
        var oldest = _waiting.First!;
        if (oldest.Address is null)
        {
            return Reject(oldest, HandshakeRejection.Total);
        }

        _shares ??= Share();
        return Reject(_perKey[_shares.Largest(oldest.Key)].First!, HandshakeRejection.Total);
    }

    // Under the lock.
    private FairShares Share()
    {
        var shares = new FairShares();
        foreach (var (key, handshakes) in _perKey)
        {
            shares.Add(key, handshakes.Count);
        }

        _minShared = _waiting.Count / 4;
        return shares;
    }

    // Under the lock.
    private Handshake Reject(Handshake handshake, HandshakeRejection why)
    {
        _rejected[(int)why]++;
        Remove(handshake);
        return handshake;
    }

    // Under the lock.
    private void Remove(Handshake handshake)
    {
        handshake.Connection.Handshake = null;
        _waiting.Remove(handshake);
        _memory.Release(PendingBytes);
        if (handshake.Address is null)
        {
            return;
        }

        if (_waiting.Count <= _minShared)
        {
            _shares = null;
        }

        _shares?.Add(handshake.Key, -1);
        ref var ofKey = ref CollectionsMarshal.GetValueRefOrNullRef(_perKey, handshake.Key);
        ofKey.Remove(handshake);
        if (ofKey.Count == 0)
        {
            _perKey.Remove(handshake.Key);
        }
    }
}
