using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.Admin;
using Relay.AdminApi;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Cluster;

/// <summary>A node that asks for what no relay asks, and one that answers what no relay answers.</summary>
public sealed class HostileAdminTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Questions_ThatNoRelayAsks_AreRefused()
    {
        await using var cluster = await RelayCluster.StartAsync();
        var hostile = cluster[1].Get<ClusterBus>();
        var subject = cluster[1].Get<ClusterSubjects>().Node(cluster[0].Get<ClusterNode>().Epoch, AdminQuestions.Subject);
        foreach (var (method, request, status) in new (string, IMessage?, StatusCode)[]
        {
            ("", new Empty(), StatusCode.Unimplemented),
            ("CreateToken", new CreateTokenRequest { Name = "x" }, StatusCode.Unimplemented),
            ("ChangePolicy", new ChangePolicyRequest { Set = new LimitSettings { PerIp = 1 } }, StatusCode.Unimplemented),
            (AdminQuestions.ListConnections, null, StatusCode.InvalidArgument),
            (AdminQuestions.ListConnections, new ListConnectionsRequest { PageSize = 100_000 }, StatusCode.InvalidArgument),
            (AdminQuestions.Drain, new DrainRequest { Rate = -1 }, StatusCode.InvalidArgument),
            (AdminQuestions.CancelDrain, new CancelDrainRequest(), StatusCode.FailedPrecondition),
        })
        {
            var question = new AdminQuestion { Method = method, Request = request?.ToByteString() ?? ByteString.CopyFrom(0xff), Who = "x\ny" };
            var answer = await hostile.AskAsync(subject, new Envelope { AdminQuestion = question });
            Assert.Equal(status, (StatusCode)answer.Message!.AdminAnswer.Status);
        }

        Assert.True(hostile.TrySend(subject, new Envelope { Goodbye = new Goodbye() }));
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterBus>().Counts.Refused == 2, "what is no question is counted");
        var audited = (await cluster[0].Admin.ListAuditAsync(new ListAuditRequest { Method = "Drain" }, Call)).Entries;
        Assert.Equal([("CancelDrain", "x y", "FAILED_PRECONDITION"), ("Drain", "x y", "INVALID_ARGUMENT")], audited.Select(entry => (entry.Method, entry.Who, entry.Result)));
        Assert.Equal("ready", (await cluster[0].Admin.GetStatsAsync(new GetStatsRequest(), Call)).State);
    }

    [Fact]
    public async Task Answers_ThatNoRelayGives_MakeTheNodeMissing()
    {
        await using var cluster = await RelayCluster.StartAsync(1);
        var answer = new AdminAnswer();
        await using var hostile = await HostileNode.StartAsync(cluster.Nats.Url, () => answer.Clone());
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Count == 1, "it is heard", Patience);
        foreach (var (given, problem) in new[]
        {
            (new AdminAnswer { Response = ByteString.CopyFrom(0xff) }, "its answer is not valid"),
            (Of(new Stats { Uptime = new Duration { Seconds = long.MaxValue } }), "its answer is not valid"),
            (Of(new Stats { Uptime = new Duration { Seconds = 1, Nanos = -1 } }), "its answer is not valid"),
            (Of(new Stats { Time = new Timestamp { Seconds = long.MinValue } }), "its answer is not valid"),
            (new AdminAnswer { Status = 7, Detail = "no\nway" }, "no way"),
            (new AdminAnswer { Status = 77_777, Detail = "what" }, "what"),
        })
        {
            answer = given;
            var missing = Assert.Single((await cluster[0].Admin.GetStatsAsync(new GetStatsRequest { Cluster = true }, Call)).Cluster.Missing);
            Assert.Equal(("hostile", problem), (missing.Node, missing.Problem));
        }

        // Nothing that it says about others, and no more rows than were asked for.
        answer = Of(new Stats { Cluster = new ClusterStats { ByNode = { new NodeStats { Node = "x" } }, Missing = { new MissingNode { Node = "y" } } }, Uptime = new Duration { Seconds = 1 } });
        var stats = await cluster[0].Admin.GetStatsAsync(new GetStatsRequest { Cluster = true }, Call);
        Assert.Equal(["relay-0", "hostile"], stats.Cluster.ByNode.Select(node => node.Node));
        Assert.Empty(stats.Cluster.Missing);
        answer = Of(new ListConnectionsResponse { TotalSize = long.MaxValue, Connections = { Enumerable.Range(0, 50).Select(_ => new Connection { Node = "relay-0" }) } });
        var connections = await new AdminApi.ConnectionService.ConnectionServiceClient(cluster[0].Channel).ListConnectionsAsync(new ListConnectionsRequest { Cluster = true, PageSize = 10 }, Call);
        Assert.Equal(Enumerable.Repeat("hostile", 10), connections.Connections.Select(row => row.Node));
    }

    private static AdminAnswer Of(IMessage message) => new() { Response = message.ToByteString() };

    /// <summary>Speaks to the others by a bus of its own, and is heard.</summary>
    private sealed class HostileNode : IAsyncDisposable
    {
        private readonly ITimer _sweep;
        private readonly ITimer _heartbeat;
        private readonly ClusterBus _bus;

        private HostileNode(ClusterOptions options, ClusterNode node, ClusterSubjects subjects)
        {
            var questions = new Questions(options, TimeProvider.System);
            var connection = new ClusterConnection(options, TimeProvider.System, NullLogger<ClusterConnection>.Instance);
            _bus = new ClusterBus(options, node, subjects, connection, questions, TimeProvider.System, NullLogger<ClusterBus>.Instance);
            _sweep = TimeProvider.System.CreateTimer(_ => questions.Sweep(), null, Questions.Interval, Questions.Interval);
            _heartbeat = TimeProvider.System.CreateTimer(
                _ => _bus.TrySend(subjects.All("heartbeat"), new Envelope { Heartbeat = new Heartbeat { State = "ready" } }), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(300));
        }

        public static async Task<HostileNode> StartAsync(string url, Func<AdminAnswer> answer)
        {
            var options = new ClusterOptions { Nats = [url], Node = "hostile" };
            var node = new HostileNode(options, new ClusterNode(options, TimeProvider.System), new ClusterSubjects(options));
            await node._bus.StartAsync(CancellationToken.None);
            await node._bus.SubscribeToOwnAsync(AdminQuestions.Subject, message => node._bus.Reply(message, new Envelope { AdminAnswer = answer() }));
            await node._bus.FlushAsync();
            return node;
        }

        public async ValueTask DisposeAsync()
        {
            await _heartbeat.DisposeAsync();
            await _sweep.DisposeAsync();
            await _bus.StopAsync(CancellationToken.None);
            await _bus.DisposeAsync();
        }
    }
}
