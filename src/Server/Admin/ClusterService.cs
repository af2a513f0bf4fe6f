using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Cluster;

namespace Relay.Admin;

/// <summary>The gRPC service of the cluster: request, one call, reply.</summary>
internal sealed class ClusterService(ClusterOptions options, ClusterNode own, ClusterBus bus, ClusterNodes nodes, ClusterQuestions questions, ServerSnapshot snapshot)
    : AdminApi.ClusterService.ClusterServiceBase
{
    public override Task<ListNodesResponse> ListNodes(ListNodesRequest request, ServerCallContext context) => Task.FromResult(new ListNodesResponse
    {
        Cluster = options.IsOn ? options.Name : "",
        Away = options.IsOn && !bus.IsUp,
        Nodes = { Own(), nodes.Snapshot().Select(Row) },
        Missing = { questions.Lost().Where(lost => lost.Node.Length > 0) },
    });

    private Node Own()
    {
        var now = NodeHeartbeat.Of(snapshot.Read());
        return new Node
        {
            Name = own.Name,
            Self = true,
            State = now.State,
            Version = now.ProductVersion,
            StartedAt = Started(own.Epoch),
            Clients = now.Clients,
            Peers = now.Peers,
            TotalLimit = now.TotalLimit,
            RefusedTotal = now.RefusedTotal,
            PolicyRevision = now.PolicyRevision,
            Database = now.Database,
        };
    }

    private static Node Row(RemoteNode node) => new()
    {
        Name = node.Name,
        State = node.State,
        Version = node.ProductVersion,
        StartedAt = Started(node.Epoch),
        Clients = node.Clients,
        Peers = node.Peers,
        TotalLimit = node.TotalLimit,
        RefusedTotal = node.RefusedTotal,
        PolicyRevision = node.PolicyRevision,
        Silent = Duration.FromTimeSpan(node.Silent),
        ClockOffset = Duration.FromTimeSpan(node.ClockOffset),
        Lag = Duration.FromTimeSpan(node.Lag),
        Database = node.Database,
    };

    // An epoch that is no time is a node's own affair.
    private static Timestamp? Started(ulong epoch) =>
        epoch < (ulong)(DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).TotalMicroseconds ? Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddMicroseconds(epoch)) : null;
}
