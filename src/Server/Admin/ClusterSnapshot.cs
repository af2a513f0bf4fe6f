using Grpc.Core;
using Relay.AdminApi;

namespace Relay.Admin;

/// <summary>The status of all nodes of the cluster: their sum, each one's own, and who did not answer.</summary>
internal sealed class ClusterSnapshot(ServerSnapshot own, ClusterQuestions questions)
{
    public async Task<Stats> ReadAsync(ServerCallContext context)
    {
        var answers = await questions.AskAllAsync<Stats>(AdminQuestions.GetStats, _ => new GetStatsRequest(), context);
        var nodes = new List<NodeStats> { new() { Node = questions.Own.Name, Self = true, Stats = own.Read() } };
        foreach (var (node, stats) in answers.Answered)
        {
            // What a node knows of the others is no part of what it says about itself.
            stats.Cluster?.ByNode.Clear();
            stats.Cluster?.Missing.Clear();
            nodes.Add(new NodeStats { Node = node.Name, Stats = stats });
        }

        var sum = StatsSum.Of([.. nodes.Select(node => node.Stats)]);
        sum.Cluster = nodes[0].Stats.Cluster.Clone();
        sum.Cluster.ByNode.AddRange(nodes);
        sum.Cluster.Missing.AddRange(answers.Missing);
        return sum;
    }
}
