using Relay.Cluster.V1;
using Relay.Scheduling;

namespace Relay.Cluster;

/// <summary>
/// The other relays of the cluster: those that were heard within <see cref="Silence"/>. A start of a node is known by its epoch; a later start
/// takes the place of an earlier one of the same name, unless that is heard again.
/// </summary>
internal sealed class ClusterNodes(ClusterNode own, TimeProvider time, ILogger<ClusterNodes> logger)
{
    /// <summary>Nodes that are known at most; of more, those heard first.</summary>
    public const int MaxNodes = 1_000;

    public static readonly TimeSpan SweepInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>A node that was not heard for so long is gone.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    /// <summary>How long a node that became silent is remembered.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Dictionary<ulong, NodeEntry> _nodes = [];
    private readonly SweepClock _clock = new(time);

    // When those that became silent were heard last, by name.
    private readonly Dictionary<string, (ulong Epoch, long LastHeard)> _lost = [];
    private readonly NodeLog _log = new(time, logger);
    private int _twinsOfOwn;

    /// <summary>
    /// Raised when a node is heard for the first time, and again after it was gone. In order with <see cref="Gone"/>, and under the lock of the
    /// nodes: handlers return at once and call nothing back.
    /// </summary>
    public event Action<string, ulong>? Joined;

    /// <summary>Raised with the epoch of a node that stopped, is silent, or was started anew. Handlers as of <see cref="Joined"/>.</summary>
    public event Action<ulong>? Gone;

    /// <summary>Nodes that are understood.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _nodes.Values.Count(node => !node.IsIncompatible);
            }
        }
    }

    public bool IsHere(ulong epoch)
    {
        lock (_lock)
        {
            return _nodes.TryGetValue(epoch, out var node) && !node.IsIncompatible;
        }
    }

    /// <summary>The starts of the nodes that are understood.</summary>
    public IReadOnlyList<ulong> Epochs()
    {
        lock (_lock)
        {
            return [.. _nodes.Values.Where(node => !node.IsIncompatible).Select(node => node.Epoch)];
        }
    }

    /// <summary>
    /// Whether a later message of its node has come before this one, as when it was kept in a NATS server that was stopped and the node went on over
    /// another. Its sender was told that it did not arrive.
    /// </summary>
    public bool IsOvertaken(Envelope envelope)
    {
        lock (_lock)
        {
            if (envelope.Sequence == 0 || !_nodes.TryGetValue(envelope.Epoch, out var node))
            {
                return false;
            }

            if (envelope.Sequence <= node.Sequence)
            {
                return true;
            }

            node.Sequence = envelope.Sequence;
            return false;
        }
    }

    /// <summary>A copy, by name and age.</summary>
    public IReadOnlyList<RemoteNode> Snapshot()
    {
        lock (_lock)
        {
            return [.. _nodes.Values.Select(node => node.Read(time)).OrderBy(node => node.Name, StringComparer.Ordinal).ThenBy(node => node.Epoch)];
        }
    }

    /// <summary>Nodes that became silent within the last hour without a goodbye, by name, and for how long.</summary>
    public IReadOnlyList<(string Name, TimeSpan Silent)> Lost()
    {
        lock (_lock)
        {
            return [.. _lost.OrderBy(lost => lost.Key, StringComparer.Ordinal).Select(lost => (lost.Key, time.GetElapsedTime(lost.Value.LastHeard)))];
        }
    }

    /// <summary>A heartbeat.</summary>
    public void Hear(Envelope envelope)
    {
        lock (_lock)
        {
            if (Find(envelope, isIncompatible: false) is { } node)
            {
                node.Hear(envelope.Heartbeat, time);
            }
        }
    }

    /// <summary>Any message of a node that is not understood.</summary>
    public void HearIncompatible(Envelope envelope)
    {
        lock (_lock)
        {
            Find(envelope, isIncompatible: true)?.Hear(envelope.Heartbeat, time);
        }
    }

    /// <summary>The node stops.</summary>
    public void Leave(ulong epoch)
    {
        lock (_lock)
        {
            Remove(epoch, "it stops");
            Forget(lost => lost.Epoch == epoch);
        }
    }

    /// <summary>Removes the silent. A sweep that comes late, because this relay was stopped, hears what waits for it first.</summary>
    public void Sweep()
    {
        lock (_lock)
        {
            _clock.Begin();
            foreach (var node in _nodes.Values.Where(node => _clock.Elapsed(node.LastHeard) >= Silence).ToList())
            {
                Remove(node.Epoch, "it is silent");
                Remember(node);
            }

            Forget(lost => time.GetElapsedTime(lost.LastHeard) >= Remembered);
        }
    }

    private void Remember(NodeEntry node)
    {
        if (_lost.Count < MaxNodes && !_nodes.Values.Any(other => other.Name == node.Name))
        {
            _lost[node.Name] = (node.Epoch, node.LastHeard);
        }
    }

    private void Forget(Func<(ulong Epoch, long LastHeard), bool> which)
    {
        foreach (var (name, _) in _lost.Where(lost => which(lost.Value)).ToList())
        {
            _lost.Remove(name);
        }
    }

    private NodeEntry? Find(Envelope envelope, bool isIncompatible)
    {
        var (name, epoch) = (NodeEntry.Text(envelope.Node), envelope.Epoch);
        if (name.Length == 0 || epoch == 0 || epoch == own.Epoch || (name == own.Name && IsEarlierStart(epoch)))
        {
            return null;
        }

        if (_nodes.TryGetValue(epoch, out var known) && (known.Name != name || known.IsIncompatible != isIncompatible))
        {
            // An epoch is one start of one program.
            return null;
        }

        var sameName = _nodes.Values.Where(node => node.Name == name && node.Epoch != epoch).ToList();
        if (known is not null)
        {
            if (sameName.Exists(node => node.Epoch > epoch))
            {
                _log.Twins(name);
            }

            return known;
        }

        foreach (var earlier in sameName.Where(node => node.Epoch < epoch))
        {
            Remove(earlier.Epoch, "it was started anew");
        }

        return Add(name, epoch, envelope.Version, isIncompatible);
    }

    private NodeEntry? Add(string name, ulong epoch, uint version, bool isIncompatible)
    {
        if (_nodes.Count >= MaxNodes)
        {
            _log.TooMany(name);
            return null;
        }

        var node = new NodeEntry(name, epoch, version, isIncompatible);
        _nodes.Add(epoch, node);
        _lost.Remove(name);
        if (isIncompatible)
        {
            _log.Incompatible(name, version, own.Name);
        }
        else
        {
            _log.Joined(name);
            Joined?.Invoke(name, epoch);
        }

        return node;
    }

    private void Remove(ulong epoch, string why)
    {
        if (_nodes.Remove(epoch, out var node) && !node.IsIncompatible)
        {
            _log.Gone(node.Name, why);
            Gone?.Invoke(epoch);
        }
    }

    // What an earlier start of this relay said last may come after this one was started; what it says again may not. True: it is ignored.
    private bool IsEarlierStart(ulong epoch)
    {
        if (epoch < own.Epoch && _twinsOfOwn++ == 0)
        {
            return true;
        }

        _log.Twins(own.Name);
        return false;
    }
}
