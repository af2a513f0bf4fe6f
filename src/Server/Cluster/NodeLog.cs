namespace Relay.Cluster;

/// <summary>
/// What is logged of nodes, in bounds: whoever may publish on NATS could fill a disk with nodes that come and go. Used under the lock of the nodes.
/// </summary>
internal sealed partial class NodeLog(TimeProvider time, ILogger<ClusterNodes> logger)
{
    // Within a minute, in which all may be started anew.
    private const int MaxLines = 2 * ClusterNodes.MaxNodes;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private long? _warnedOfTwins;
    private long? _warnedOfFull;
    private long _linesSince;
    private int _lines;

    public void Joined(string name)
    {
        if (HasLine())
        {
            Log.Joined(logger, name);
        }
    }

    public void Gone(string name, string why)
    {
        if (HasLine())
        {
            Log.Gone(logger, name, why);
        }
    }

    public void Incompatible(string name, uint version, string own)
    {
        if (HasLine())
        {
            Log.Incompatible(logger, name, version, ClusterNode.Version, version < ClusterNode.Version ? name : own);
        }
    }

    public void Twins(string name)
    {
        if (IsTime(ref _warnedOfTwins))
        {
            Log.Twins(logger, name);
        }
    }

    public void TooMany(string name)
    {
        if (IsTime(ref _warnedOfFull))
        {
            Log.TooMany(logger, ClusterNodes.MaxNodes, name);
        }
    }

    private bool HasLine()
    {
        var now = time.GetTimestamp();
        if (_lines == 0 || time.GetElapsedTime(_linesSince, now) >= Minute)
        {
            (_linesSince, _lines) = (now, 0);
        }

        if (_lines == MaxLines)
        {
            Log.TooManyLines(logger, MaxLines);
        }

        return _lines++ < MaxLines;
    }

    private bool IsTime(ref long? last)
    {
        var now = time.GetTimestamp();
        if (last is { } before && time.GetElapsedTime(before, now) < Minute)
        {
            return false;
        }

        last = now;
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Node {Name} is in the cluster")]
        public static partial void Joined(ILogger logger, string name);

        [LoggerMessage(2, LogLevel.Information, "Node {Name} has left the cluster: {Why}")]
        public static partial void Gone(ILogger logger, string name, string why);

        [LoggerMessage(3, LogLevel.Error, "There are two relays called {Name} in the cluster: give one of them another name with Cluster:Node")]
        public static partial void Twins(ILogger logger, string name);

        [LoggerMessage(4, LogLevel.Error, "Node {Name} is of version {Version} and this relay understands {Own}: its messages are ignored until {Older} is upgraded")]
        public static partial void Incompatible(ILogger logger, string name, uint version, uint own, string older);

        [LoggerMessage(5, LogLevel.Error, "There are {Max} nodes in the cluster already: {Name} is ignored")]
        public static partial void TooMany(ILogger logger, int max, string name);

        [LoggerMessage(6, LogLevel.Error, "Nodes came and went more than {Max} times within a minute: no more is logged of them until it is over; see who may publish on NATS")]
        public static partial void TooManyLines(ILogger logger, int max);
    }
}
