using Relay.Cluster;
using Relay.Cluster.V1;

namespace Relay.Policy;

/// <summary>What a node answers when it is asked for a revision.</summary>
/// <param name="Revision">That it decides by, as far as is known; 0: nothing is known.</param>
/// <param name="Problem">Why the revision that was asked for is not known to be in force there; null: it is.</param>
internal readonly record struct NodeAcknowledgement(string Node, long Revision, string? Problem);

/// <summary>
/// Asks the other nodes of the cluster whether a revision that was just made is in force there: they look in the database when they are asked.
/// Nothing fails for one that lags, and nobody waits longer for it than <see cref="Patience"/>.
/// </summary>
internal sealed class PolicyAcknowledgements(ClusterOptions options, ClusterNode own, ClusterBus bus, ClusterSubjects subjects, ClusterNodes nodes, LimitPolicyStore policies)
{
    /// <summary>The nodes' subject for this.</summary>
    public const string Subject = "policy";

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>This node first; none where the relay is alone.</summary>
    public async Task<IReadOnlyList<NodeAcknowledgement>> AskAsync(long revision)
    {
        if (!options.IsOn)
        {
            return [];
        }

        var asked = nodes.Snapshot();
        var others = await Task.WhenAll(asked.Select(node => AskAsync(node, revision)));
        return
        [
            new NodeAcknowledgement(own.Name, policies.Current.Revision, null),
            .. others,
            .. nodes.Lost().Where(lost => !asked.Any(node => node.Name == lost.Name)).Select(lost => new NodeAcknowledgement(lost.Name, 0, FormattableString.Invariant($"not heard for {(long)lost.Silent.TotalSeconds} s"))),
        ];
    }

    private async Task<NodeAcknowledgement> AskAsync(RemoteNode node, long revision)
    {
        if (node.IsIncompatible)
        {
            return new NodeAcknowledgement(node.Name, node.PolicyRevision, "its version is too old or too new to be asked");
        }

        var answer = await bus.AskAsync(subjects.Node(node.Epoch, Subject), new Envelope { PolicyWanted = new PolicyWanted { Revision = revision } }, Patience);
        return answer switch
        {
            { Message.PolicyInForce.Revision: var now } when now >= revision => new NodeAcknowledgement(node.Name, now, null),
            { Message.PolicyInForce.Revision: var now } => new NodeAcknowledgement(node.Name, Math.Max(0, now), FormattableString.Invariant($"it is at revision {Math.Max(0, now)}")),
            { Status: AnswerStatus.Silent } => new NodeAcknowledgement(node.Name, node.PolicyRevision, FormattableString.Invariant($"no answer within {Patience.TotalSeconds} s")),
            { Status: AnswerStatus.Away } => new NodeAcknowledgement(node.Name, node.PolicyRevision, "NATS cannot be reached"),
            _ => new NodeAcknowledgement(node.Name, node.PolicyRevision, "it cannot be asked: it has just left, is of another version, or does not share the policy in PostgreSQL"),
        };
    }
}
