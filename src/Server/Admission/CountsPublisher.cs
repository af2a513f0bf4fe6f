using Relay.Addresses;
using Relay.Cluster.V1;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>
/// Writes down the connections of this node for the others: absolute numbers of the keys that hold any, addresses and such networks as have a
/// limit. For one thread.
/// </summary>
internal sealed class CountsPublisher
{
    // What is read at once under the ledger's lock: some microseconds.
    private const int Batch = 256;

    private readonly ConnectionLedger _ledger;
    private readonly LimitPolicyStore _policies;
    private readonly int _maxKeys;
    private readonly KeyCount[] _batch = new KeyCount[Batch];
    private readonly List<KeyCount> _all = [];
    private List<IpKey> _changed = [];
    private (TierLimit Per24, TierLimit Per56, TierLimit Per48) _tiers;
    private ulong _sequence;

    // Of more keys than may be told: what the least of those that are holds.
    private int _least = 1;

    public CountsPublisher(ConnectionLedger ledger, LimitPolicyStore policies, int maxKeys = RemoteCounts.MaxKeysOfNode)
    {
        (_ledger, _policies, _maxKeys) = (ledger, policies, maxKeys);
        _tiers = Tiers;
    }

    /// <summary>All are to be told, because networks have been given a limit.</summary>
    public bool IsAllDue => _tiers != Tiers;

    private (TierLimit Per24, TierLimit Per56, TierLimit Per48) Tiers => (_policies.Current.Per24, _policies.Current.Per56, _policies.Current.Per48);

    /// <summary>What has changed since the last call; nothing where nothing has, unless <paramref name="always"/>.</summary>
    public List<Counts> Changes(bool always)
    {
        _changed.Clear();
        _changed = _ledger.TakeChanged(_changed);
        var messages = new List<Counts>();
        for (var from = 0; from < _changed.Count; from += Batch)
        {
            var count = Math.Min(Batch, _changed.Count - from);
            for (var i = 0; i < count; i++)
            {
                _batch[i] = new KeyCount(_changed[from + i], 0);
            }

            _ledger.ReadChanged(_batch.AsSpan(0, count));
            foreach (var (key, live) in _batch.AsSpan(0, count))
            {
                if (IsTold(key))
                {
                    CountsCodec.Add(WithCapacity(messages), key, live >= _least ? live : 0);
                }
            }
        }

        if (messages.Count == 0 && always)
        {
            messages.Add(new Counts());
        }

        foreach (var message in messages)
        {
            (message.Sequence, message.Total) = (++_sequence, _ledger.Total);
        }

        return messages;
    }

    /// <summary>All that are held. What changes meanwhile is told by the next call of <see cref="Changes"/>.</summary>
    public List<Counts> All()
    {
        _tiers = Tiers;
        _all.Clear();
        for (var slot = 0; slot >= 0;)
        {
            slot = _ledger.ReadLive(slot, _batch, out var count);
            foreach (var held in _batch.AsSpan(0, count))
            {
                if (IsTold(held.Key))
                {
                    _all.Add(held);
                }
            }
        }

        _least = 1;
        if (_all.Count > _maxKeys)
        {
            _all.Sort((a, b) => b.Live.CompareTo(a.Live));
            _all.RemoveRange(_maxKeys, _all.Count - _maxKeys);
            _least = _all[^1].Live;
        }

        var messages = new List<Counts>();
        foreach (var (key, live) in _all)
        {
            CountsCodec.Add(WithCapacity(messages), key, live);
        }

        if (messages.Count == 0)
        {
            messages.Add(new Counts());
        }

        for (var i = 0; i < messages.Count; i++)
        {
            (messages[i].Sequence, messages[i].Total) = (_sequence, _ledger.Total);
            (messages[i].Part, messages[i].Parts) = ((uint)i + 1, (uint)messages.Count);
        }

        return messages;
    }

    private static Counts WithCapacity(List<Counts> messages)
    {
        if (messages.Count == 0 || messages[^1].Bits.Count == CountsCodec.MaxKeys)
        {
            messages.Add(new Counts());
        }

        return messages[^1];
    }

    private bool IsTold(in IpKey key) => key switch
    {
        { IsUnresolved: true } or { IsSubject: true } => true,
        { IsIpv6: true } when key.PrefixLength < _policies.Current.Ipv6Prefix => key.PrefixLength == 56 ? !_tiers.Per56.IsOff : key.PrefixLength == 48 && !_tiers.Per48.IsOff,
        { IsIpv6: false, PrefixLength: < 32 } => key.PrefixLength == 24 && !_tiers.Per24.IsOff,
        _ => true,
    };
}

/// <summary>A key and the connections that it holds.</summary>
internal record struct KeyCount(IpKey Key, int Live);
