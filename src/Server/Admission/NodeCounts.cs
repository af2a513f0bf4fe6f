using Relay.Addresses;

namespace Relay.Admission;

/// <summary>What one node has told. Touched only under the lock of <see cref="RemoteCounts"/>.</summary>
internal sealed class NodeCounts
{
    private readonly Dictionary<IpKey, (int Connections, int Round)> _keys = [];

    // Which telling of all its keys a key was in last: those that the newest has left out are gone.
    private int _round;

    // The part of it that comes next; 0: none is under way, or one of its parts is missing.
    private uint _nextPart;
    private ulong _sequence;
    private bool _isComplete;

    public int Count => _keys.Count;

    /// <summary>Client connections that count against limits.</summary>
    public int Total { get; set; }

    /// <summary>Timestamp of the last message.</summary>
    public long HeardAt { get; set; }

    /// <summary>No message is missing since all was told, or all is being told.</summary>
    public bool IsComplete => _isComplete || _nextPart > 1;

    public IEnumerable<(IpKey Key, int Connections)> All => _keys.Select(one => (one.Key, one.Value.Connections));

    public int Of(in IpKey key, out bool isKept)
    {
        isKept = _keys.TryGetValue(key, out var kept);
        return kept.Connections;
    }

    public void Set(in IpKey key, int connections)
    {
        if (connections == 0)
        {
            _keys.Remove(key);
        }
        else
        {
            _keys[key] = (connections, _round);
        }
    }

    /// <summary>Before the keys of a message.</summary>
    /// <param name="part">0: changes; else the number of a part of all keys.</param>
    public void Begin(ulong sequence, uint part)
    {
        if (part == 0)
        {
            _isComplete &= sequence == _sequence + 1;
            _sequence = sequence;
        }
        else if (part == 1)
        {
            (_round, _nextPart) = (_round + 1, 2);
        }
        else
        {
            _nextPart = part == _nextPart ? part + 1 : 0;
        }
    }

    /// <summary>After them: the keys that the node does not hold any more, once it has told all.</summary>
    public IReadOnlyList<IpKey> End(ulong sequence, uint part, uint parts)
    {
        if (part == 0 || part < parts)
        {
            return [];
        }

        (_isComplete, _sequence) = (_nextPart == parts + 1, sequence);
        _nextPart = 0;
        return _isComplete ? [.. _keys.Where(one => one.Value.Round != _round).Select(one => one.Key)] : [];
    }
}
