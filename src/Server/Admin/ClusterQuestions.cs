using Google.Protobuf;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Cluster;
using Relay.Cluster.V1;

namespace Relay.Admin;

/// <summary>What the other nodes answered, and which did not.</summary>
internal sealed record NodeAnswers<T>(IReadOnlyList<(RemoteNode Node, T Answer)> Answered, IReadOnlyList<MissingNode> Missing);

/// <summary>
/// Asks the other nodes of the cluster what an operator wants to know of all, or has one of them do something. Who does not answer within
/// <see cref="Patience"/> is named, never left out.
/// </summary>
internal sealed class ClusterQuestions(ClusterOptions options, ClusterNode own, ClusterBus bus, ClusterSubjects subjects, ClusterNodes nodes, TimeProvider time)
{
    /// <summary>How long an answer may take; less where the caller would hang up before.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // What is left of a caller's deadline for the way back.
    private static readonly TimeSpan WayBack = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan MinPatience = TimeSpan.FromMilliseconds(100);

    private const int MaxDetail = 512;

    public ClusterNode Own => own;

    /// <summary>FAILED_PRECONDITION where there is no cluster.</summary>
    public void RequireCluster()
    {
        if (!options.IsOn)
        {
            throw AdminErrors.Precondition("this relay is alone: it is in no cluster, as Cluster:Nats is empty; ask for this relay only");
        }
    }

    /// <summary>Nodes that cannot be asked: those that became silent, and all where NATS is away and none was heard before.</summary>
    public IEnumerable<MissingNode> Lost()
    {
        foreach (var (name, silent) in nodes.Lost())
        {
            yield return new MissingNode { Node = name, Problem = $"not heard for {(long)silent.TotalSeconds} s" };
        }

        if (!bus.IsUp)
        {
            yield return new MissingNode { Problem = "NATS cannot be reached" };
        }
    }

    /// <summary>Asks every other node at once.</summary>
    /// <param name="request">What each is asked.</param>
    public async Task<NodeAnswers<T>> AskAllAsync<T>(string method, Func<RemoteNode, IMessage> request, ServerCallContext context)
        where T : class, IMessage<T>, new()
    {
        RequireCluster();
        var all = nodes.Snapshot();
        var patience = PatienceOf(context);
        var asked = await Task.WhenAll(all.Select(node => AskAsync<T>(node, method, request(node), "", patience)));
        return new NodeAnswers<T>(
            [.. all.Zip(asked).Where(pair => pair.Second.Answer is not null).Select(pair => (pair.First, pair.Second.Answer!))],
            [
                .. all.Zip(asked).Where(pair => pair.Second.Answer is null).Select(pair => new MissingNode { Node = pair.First.Name, Problem = pair.Second.Problem.Detail }),

                // One that became silent while it was asked is named once.
                .. Lost().Where(lost => !all.Any(node => node.Name == lost.Node)),
            ]);
    }

    /// <summary>Has one node answer; NOT_FOUND, UNAVAILABLE or what it answered where it did not.</summary>
    /// <param name="who">The operator, for the node's audit log.</param>
    public async Task<T> AskAsync<T>(string name, string method, IMessage request, string who, ServerCallContext context)
        where T : class, IMessage<T>, new()
    {
        RequireCluster();
        var node = nodes.Snapshot().LastOrDefault(node => node.Name == name);
        if (node is null)
        {
            throw nodes.Lost().Any(lost => lost.Name == name)
                ? new RpcException(new Status(StatusCode.Unavailable, $"node {name} is no longer heard; see `relayctl cluster`"))
                : AdminErrors.NotFound($"no node called '{name}' is in the cluster; `relayctl cluster` lists them");
        }

        var (answer, problem) = await AskAsync<T>(node, method, request, who, PatienceOf(context));
        return answer ?? throw new RpcException(new Status(problem.StatusCode, $"node {node.Name}: {problem.Detail}"));
    }

    private async Task<(T? Answer, Status Problem)> AskAsync<T>(RemoteNode node, string method, IMessage request, string who, TimeSpan patience)
        where T : class, IMessage<T>, new()
    {
        if (node.IsIncompatible)
        {
            return (null, Unavailable("its version is too old or too new to be asked"));
        }

        var question = new AdminQuestion { Method = method, Request = request.ToByteString(), Who = who };
        var answer = await bus.AskAsync(subjects.Node(node.Epoch, AdminQuestions.Subject), new Envelope { AdminQuestion = question }, patience);
        return answer.Status switch
        {
            AnswerStatus.Answered when answer.Message?.AdminAnswer is { } said => Read<T>(said),
            AnswerStatus.Nobody => (null, Unavailable("it has just left, or is of a version that cannot be asked")),
            AnswerStatus.Silent => (null, Unavailable(FormattableString.Invariant($"no answer within {patience.TotalSeconds:0.#} s"))),
            AnswerStatus.Away => (null, Unavailable("NATS cannot be reached")),
            _ => (null, Unavailable("its answer is not valid")),
        };
    }

    private static (T? Answer, Status Problem) Read<T>(AdminAnswer said)
        where T : class, IMessage<T>, new()
    {
        if (said.Status != 0)
        {
            var detail = string.Concat(said.Detail.Take(MaxDetail).Select(letter => char.IsControl(letter) ? ' ' : letter));
            return (null, new Status(Enum.IsDefined((StatusCode)said.Status) ? (StatusCode)said.Status : StatusCode.Unknown, detail));
        }

        try
        {
            var answer = new T();
            answer.MergeFrom(said.Response);
            return NodeMessage.IsValid(answer) ? (answer, default) : (null, Unavailable("its answer is not valid"));
        }
        catch (InvalidProtocolBufferException)
        {
            return (null, Unavailable("its answer is not valid"));
        }
    }

    private static Status Unavailable(string detail) => new(StatusCode.Unavailable, detail);

    private TimeSpan PatienceOf(ServerCallContext context)
    {
        if (context.Deadline == DateTime.MaxValue)
        {
            return Patience;
        }

        var left = context.Deadline - time.GetUtcNow().UtcDateTime - WayBack;
        return left > Patience ? Patience : left < MinPatience ? MinPatience : left;
    }
}
