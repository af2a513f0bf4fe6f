using System.Runtime.InteropServices;
using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;
using Relay.Scheduling;

namespace Relay.Transport;

/// <summary>Why a pending handshake was reset.</summary>
internal enum HandshakeRejection
{
    /// <summary>No whole request in time.</summary>
    Timeout,

    /// <summary>Its address has too many.</summary>
    PerIp,

    /// <summary>There are too many in total, and it is the oldest.</summary>
    Total,
}

/// <summary>
/// The connections that have not sent a whole request yet: PROXY header, TLS, request head. They cost a file each and come
/// before every limit, so they are bounded per address, in total, and in time. When they are too many the one that has waited
/// longest gives way: an honest client is done within a few round trips, a half-open one never.
/// </summary>
internal sealed class HandshakeGuard
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly string[] Labels = ["timeout", "per_ip", "total"];

    private readonly PublicListenerOptions _options;
    private readonly LimitPolicyStore _policies;
    private readonly AdmissionGate _gate;
    private readonly TimeProvider _time;
    private readonly SweepClock _clock;
    private readonly Lock _lock = new();

    // Guarded by _lock: the list is in the order of arrival; the counts are of its keys.
    private readonly LinkedList<Handshake> _waiting = [];
    private readonly Dictionary<IpKey, int> _perKey = [];
    private readonly long[] _rejected = new long[Labels.Length];

    // Set once, before anything is accepted.
    private int _max;

    public HandshakeGuard(PublicListenerOptions options, LimitPolicyStore policies, AdmissionGate gate, TimeProvider time)
    {
        (_options, _policies, _gate, _time) = (options, policies, gate, time);
        _clock = new SweepClock(time);
        _max = options.MaxHandshakes;
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

    /// <summary>Leaves three quarters of the files to connections that are further.</summary>
    public void FitInto(int files) => _max = Math.Max(1, Math.Min(_options.MaxHandshakes, files / 4));

    /// <summary>Takes a connection in that was just accepted; false: its address has too many, close it.</summary>
    /// <param name="address">Whose it is; null: a proxy's, who brings many.</param>
    public bool TryEnter(Connection connection, IpKey? address)
    {
        var policy = _policies.Current;
        var key = address?.TruncateIpv6(policy.Ipv6Prefix);
        Connection? oldest = null;
        lock (_lock)
        {
            if (key is { } counted)
            {
                ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_perKey, counted, out _);
                if (count >= _options.MaxHandshakesPerIp && count >= KeyLimits.Of(policy, address!.Value, counted).Max.Key)
                {
                    _rejected[(int)HandshakeRejection.PerIp]++;
                    return false;
                }

                count++;
            }

            if (_waiting.Count >= _max && _waiting.First is { } first)
            {
                oldest = Reject(first, HandshakeRejection.Total);
            }

            connection.Handshake = _waiting.AddLast(new Handshake(this, connection, address, key, _time.GetTimestamp()));
        }

        oldest?.Abort();
        return true;
    }

    /// <summary>The connection has sent a whole request, or is gone.</summary>
    public void Leave(Connection connection)
    {
        if (connection.Handshake is null)
        {
            return;
        }

        lock (_lock)
        {
            if (connection.Handshake is { } node)
            {
                Remove(node);
            }
        }
    }

    /// <summary>Enters a connection in place of another, with all that it has waited; false: that one is no longer pending.</summary>
    public bool TryTransfer(Connection connection, Connection successor)
    {
        lock (_lock)
        {
            if (connection.Handshake is not { } node)
            {
                return false;
            }

            connection.Handshake = null;
            node.Value = node.Value with { Connection = successor };
            successor.Handshake = node;
            return true;
        }
    }

    /// <summary>Resets the oldest: there is no file descriptor left for the next.</summary>
    public void ResetOldest()
    {
        Connection? oldest;
        lock (_lock)
        {
            oldest = _waiting.First is { } first ? Reject(first, HandshakeRejection.Total) : null;
        }

        oldest?.Abort();
    }

    /// <summary>Resets the expired ones.</summary>
    public void ResetExpired()
    {
        // A relay that stops waits for nobody's handshake: Kestrel would wait for all that are pending.
        var isStopping = _gate.State.Phase == RelayPhase.Stopping;
        var late = new List<Handshake>();
        _clock.Begin();
        lock (_lock)
        {
            while (_waiting.First is { } first && (isStopping || _clock.Elapsed(first.Value.Since) >= _options.HandshakeTimeout))
            {
                late.Add(first.Value);
                Reject(first, HandshakeRejection.Timeout);
            }
        }

        foreach (var handshake in late)
        {
            handshake.Connection.Abort();
            if (handshake.Address is { } address && !isStopping)
            {
                _gate.RecordViolation(address);
            }
        }
    }

    private Connection Reject(LinkedListNode<Handshake> node, HandshakeRejection why)
    {
        _rejected[(int)why]++;
        Remove(node);
        return node.Value.Connection;
    }

    private void Remove(LinkedListNode<Handshake> node)
    {
        _waiting.Remove(node);
        node.Value.Connection.Handshake = null;
        if (node.Value.Key is { } key)
        {
            ref var count = ref CollectionsMarshal.GetValueRefOrNullRef(_perKey, key);
            if (--count == 0)
            {
                _perKey.Remove(key);
            }
        }
    }
}

/// <summary>One unfinished connection.</summary>
/// <param name="Address">Whose it is; null: a proxy's.</param>
/// <param name="Since">When it was accepted.</param>
internal sealed record Handshake(HandshakeGuard Guard, Connection Connection, IpKey? Address, IpKey? Key, long Since);
