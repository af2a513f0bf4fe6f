using System.Collections.Concurrent;
using Relay.Addresses;
using Relay.Cluster.V1;

namespace Relay.Admission;

/// <summary>
/// The connections that the other nodes of the cluster hold, by key and in total, as far as they have told. Decisions read the sums
/// without a lock. What a node has told stays until it tells something else, or is gone.
/// </summary>
/// <param name="maxOfNode">Keys of one node that are kept.</param>
/// <param name="totalLimit">Client connections of all nodes together; 0: no limit.</param>
/// <param name="max">Keys of all nodes together that are kept, of each node once: about 120 bytes each.</param>
internal sealed class RemoteCounts(TimeProvider time, int totalLimit = 0, int maxOfNode = RemoteCounts.MaxKeysOfNode, int max = RemoteCounts.MaxKeys)
{
    /// <summary>A node that holds more keys tells only those with the most connections.</summary>
    public const int MaxKeysOfNode = 200_000;

    public const int MaxKeys = 1_000_000;

    private readonly Lock _lock = new();

    // Written under _lock, read anywhere.
    private readonly ConcurrentDictionary<IpKey, int> _sums = [];
    private volatile int _total;
    private volatile bool _isEmpty = true;

    // Guarded by _lock.
    private readonly Dictionary<ulong, NodeCounts> _nodes = [];
    private readonly List<(IpKey Key, int Connections)> _read = [];
    private int _kept;

    // Atomic.
    private long _left;

    /// <summary>Client connections of all nodes together, this one included; 0: no limit.</summary>
    public int TotalLimit => totalLimit;

    /// <summary>The nodes that have told something.</summary>
    public IReadOnlyList<ulong> Nodes
    {
        get
        {
            lock (_lock)
            {
                return [.. _nodes.Keys];
            }
        }
    }

    /// <summary>Keys that were told and not kept, because there were too many.</summary>
    public long Dropped => Interlocked.Read(ref _left);

    /// <summary>Keys with connections on other nodes.</summary>
    public int Keys => _sums.Count;

    /// <summary>Client connections of the other nodes that count against limits.</summary>
    public int Total => _total;

    /// <summary>Since the node was heard whose last counts are the oldest; zero where there is none.</summary>
    public TimeSpan Age
    {
        get
        {
            lock (_lock)
            {
                return _nodes.Values.Select(node => time.GetElapsedTime(node.HeardAt)).DefaultIfEmpty().Max();
            }
        }
    }

    /// <summary>What other nodes hold of a key and of the networks it lies in.</summary>
    public LiveCounts Of(in IpKey key)
    {
        if (_isEmpty)
        {
            return default;
        }

        var (near, far) = Tiers.NetworksOf(key);
        return new LiveCounts(_total, Of((IpKey?)key), Of(near), Of(far));
    }

    /// <summary>What other nodes hold of the keys that are asked for: a copy.</summary>
    public Dictionary<IpKey, int> All(Predicate<IpKey> isAskedFor) => _sums.Where(one => isAskedFor(one.Key)).ToDictionary();

    /// <summary>Takes what a node tells. <paramref name="grown"/> is cleared, and gets the keys of which other nodes hold more than before.</summary>
    public CountsOutcome Apply(ulong epoch, Counts message, List<RemoteGrowth> grown)
    {
        lock (_lock)
        {
            grown.Clear();
            _read.Clear();
            if (!CountsCodec.TryRead(message, _read) || message.Part > message.Parts)
            {
                return CountsOutcome.Malformed;
            }

            if (!_nodes.TryGetValue(epoch, out var node))
            {
                _nodes.Add(epoch, node = new NodeCounts());
            }

            node.HeardAt = time.GetTimestamp();
            node.Begin(message.Sequence, message.Part);
            foreach (var (key, connections) in _read)
            {
                Set(node, key, connections, grown);
            }

            foreach (var absent in node.End(message.Sequence, message.Part, message.Parts))
            {
                Set(node, absent, 0, grown);
            }

            node.Total = (int)message.Total;
            AddUpTotal();
            _isEmpty = false;
            return node.IsComplete ? CountsOutcome.Complete : CountsOutcome.Incomplete;
        }
    }

    /// <summary>Forgets what a node has told.</summary>
    public void Forget(ulong epoch)
    {
        lock (_lock)
        {
            if (!_nodes.Remove(epoch, out var node))
            {
                return;
            }

            foreach (var (key, connections) in node.All)
            {
                AddToSum(key, -connections);
            }

            _kept -= node.Count;
            AddUpTotal();
            _isEmpty = _nodes.Count == 0;
        }
    }

    private void Set(NodeCounts node, in IpKey key, int connections, List<RemoteGrowth> grown)
    {
        var before = node.Of(key, out var isKept);
        if (connections > 0 && !isKept && (node.Count >= maxOfNode || _kept >= max))
        {
            Interlocked.Increment(ref _left);
            return;
        }

        _kept -= node.Count;
        node.Set(key, connections);
        _kept += node.Count;
        if (connections != before)
        {
            var sum = AddToSum(key, connections - before);
            if (connections > before)
            {
                grown.Add(new RemoteGrowth(key, sum - connections + before, sum));
            }
        }
    }

    private int AddToSum(in IpKey key, int difference)
    {
        var sum = _sums.GetValueOrDefault(key) + difference;
        if (sum == 0)
        {
            _sums.TryRemove(key, out _);
        }
        else
        {
            _sums[key] = sum;
        }

        return sum;
    }

    // A thousand nodes that each say the most they can would be more than a number holds.
    private void AddUpTotal() => _total = (int)Math.Min(_nodes.Values.Sum(node => (long)node.Total), int.MaxValue / 2);

    private int Of(IpKey? key) => key is { } one && _sums.TryGetValue(one, out var sum) ? sum : 0;
}

/// <summary>A key of which other nodes hold more connections than before.</summary>
internal readonly record struct RemoteGrowth(IpKey Key, int Before, int Now);

/// <summary>What came of counts that a node told.</summary>
internal enum CountsOutcome
{
    Complete,

    /// <summary>What was told is taken, and something before it is missing.</summary>
    Incomplete,

    /// <summary>No relay has written it so; nothing of it is taken.</summary>
    Malformed,
}
