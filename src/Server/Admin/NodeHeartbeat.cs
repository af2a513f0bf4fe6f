using Relay.AdminApi;
using Relay.Cluster;
using Relay.Cluster.V1;

namespace Relay.Admin;

/// <summary>Says to the other nodes of the cluster how this one is: every second, and at once to one that is heard for the first time.</summary>
internal sealed class NodeHeartbeat : IDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ServerSnapshot _snapshot;
    private readonly ClusterBus _bus;
    private readonly ClusterSubjects _subjects;
    private readonly ClusterNodes _nodes;
    private readonly TimeProvider _time;

    // Replaced whole.
    private volatile Heartbeat? _last;

    public NodeHeartbeat(ServerSnapshot snapshot, ClusterBus bus, ClusterSubjects subjects, ClusterNodes nodes, TimeProvider time)
    {
        (_snapshot, _bus, _subjects, _nodes, _time) = (snapshot, bus, subjects, nodes, time);
        nodes.Joined += Greet;
    }

    public void Send()
    {
        _last = Of(_snapshot.Read());
        SendTo(_subjects.All(NodeSubscription.Heartbeat));
    }

    public void Dispose() => _nodes.Joined -= Greet;

    /// <summary>What the others are told, but when.</summary>
    public static Heartbeat Of(Stats stats) => new()
    {
        ProductVersion = stats.Version,
        State = stats.State,
        Clients = stats.Connections.Current + stats.Connections.Uncounted,
        Peers = stats.Peers.Authenticated,
        TotalLimit = stats.Limits.Total,
        PolicyRevision = stats.Limits.Revision,
        RefusedTotal = stats.Refused.ByReason.Values.Sum(),
        Database = stats.Storage.Away ? "away" : "up",
    };

    private void Greet(string name, ulong epoch) => SendTo(_subjects.Node(epoch, NodeSubscription.Heartbeat));

    private void SendTo(string subject)
    {
        if (_last?.Clone() is { } heartbeat)
        {
            heartbeat.SentAt = (long)(_time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalMicroseconds;
            _bus.TrySend(subject, new Envelope { Heartbeat = heartbeat });
        }
    }
}
