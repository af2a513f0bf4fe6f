using Grpc.Core;
using Relay.AdminApi;
using Relay.Cluster;
using Relay.Configuration;
using Relay.EndToEnd.Support;
using Relay.Policy;
using Relay.Telemetry;

namespace Relay.EndToEnd.Cluster;

/// <summary>What an operator sees and does at one relay of a cluster, of all of them.</summary>
public sealed class OperatorsViewTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Stats_OfAllNodes_AreTheirSumAndEachOnesOwn()
    {
        await using var cluster = await StartAsync(3);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await using var c = await TestClient.ConnectAsync(cluster[1]);

        var stats = await cluster[2].Admin.GetStatsAsync(new GetStatsRequest { Cluster = true }, Call);

        Assert.Equal([("relay-2", true, 0L), ("relay-0", false, 1L), ("relay-1", false, 2L)], stats.Cluster.ByNode.Select(node => (node.Node, node.Self, node.Stats.Connections.Current)));
        Assert.Empty(stats.Cluster.Missing);
        Assert.Equal((3, 2, 3), (stats.Connections.Current, stats.Pairing.ActiveCodes, stats.Connections.AdmittedTotal));
        Assert.Equal((stats.Cluster.ByNode.Sum(node => node.Stats.Limits.Total), ServerCommand.Version, "ready"), (stats.Limits.Total, stats.Version, stats.State));
        Assert.Equal(2, stats.Cluster.Nodes);
        Assert.All(stats.Cluster.ByNode, node => Assert.Empty(node.Stats.Cluster.ByNode));

        using (var http = new HttpClient { BaseAddress = cluster[2].Http })
        {
            Assert.Contains("\nrelay_cluster_question_duration_seconds_count", await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        // And again and again.
        using var watch = cluster[0].Admin.WatchStats(new WatchStatsRequest { Cluster = true }, Call);
        for (var i = 0; i < 2; i++)
        {
            Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            Assert.Equal((3, 3), (watch.ResponseStream.Current.Cluster.ByNode.Count, watch.ResponseStream.Current.Connections.Current));
        }
    }

    [Fact]
    public async Task Connections_OfAllNodes_ArePagedInOneOrder()
    {
        await using var cluster = await StartAsync(3);
        var clients = new List<TestClient>();
        for (var i = 0; i < 17; i++)
        {
            clients.Add(await TestClient.ConnectAsync(cluster[i % 5 % 3], from: $"127.0.0.{i + 1}"));
            for (var messages = 17 - i; messages > 0; messages--)
            {
                await clients[i].SendAsync("""{"type":"ping"}""");
            }
        }

        await Eventually.TrueAsync(() => cluster.Relays.Sum(relay => relay.Get<RelayMetrics>().MessagesReceived) == 17 * 18 / 2, "all messages have come", Patience);
        var request = new ListConnectionsRequest { Cluster = true, PageSize = 4, Sort = ListConnectionsRequest.Types.Sort.Messages };
        var rows = new List<Connection>();
        do
        {
            var page = await Client(cluster[1]).ListConnectionsAsync(request, Call);
            Assert.Equal((17, false, 0), (page.TotalSize, page.Truncated, page.Missing.Count));
            Assert.InRange(page.Connections.Count, 1, 4);
            rows.AddRange(page.Connections);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);

        // Each has sent one message less than the one before, whichever node it is on.
        Assert.Equal(Enumerable.Range(1, 17).Select(i => $"127.0.0.{i}"), rows.Select(row => row.Address));
        Assert.Equal(Enumerable.Range(0, 17).Select(i => $"relay-{i % 5 % 3}"), rows.Select(row => row.Node));
        var some = await Client(cluster[1]).ListConnectionsAsync(new ListConnectionsRequest { Cluster = true, Cidr = "127.0.0.2/31", Sort = ListConnectionsRequest.Types.Sort.Messages }, Call);
        Assert.Equal(["127.0.0.2", "127.0.0.3"], some.Connections.Select(row => row.Address));
        foreach (var wrong in new[] { "x", "1=2,1=3:3 0 ", "zz=1:3 0 ", "1=-1:3 0 ", "1=99999999999:3 0 ", "1:3 0 ", "0:3 0 ", "1=1:1 0 " })
        {
            Assert.Equal(StatusCode.InvalidArgument, await PolicyAdmin.CodeAsync(async () =>
                await Client(cluster[1]).ListConnectionsAsync(new ListConnectionsRequest { Cluster = true, PageToken = wrong, Sort = ListConnectionsRequest.Types.Sort.Messages }, Call)));
        }

        await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask())).WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task StoppedNode_IsNamedAndNothingWaitsLongForIt()
    {
        await using var cluster = await StartAsync(1);
        await using var stopped = await RelayProcess.StartAsync(cluster.Arguments("stopped"));
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Count == 1, "it is there", Patience);
        var revision = (await new PolicyAdmin(cluster[0].Channel).SetPerIpAsync(20)) is var first && first.Nodes.All(node => node.InForce) ? first.Revision : 0;
        Assert.Equal(["relay-0", "stopped"], first.Nodes.Select(node => node.Node));
        Assert.All(first.Nodes, node => Assert.Equal((revision, ""), (node.Revision, node.Problem)));
        await stopped.SignalAsync("STOP");

        // Whether it is still heard or not any more.
        foreach (var isLost in new[] { false, true })
        {
            if (isLost)
            {
                await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Count == 0, "it is not heard any more", Patience);
            }

            var changed = await new PolicyAdmin(cluster[0].Channel).SetPerIpAsync(isLost ? 22 : 21);
            Assert.Equal([("relay-0", true), ("stopped", false)], changed.Nodes.Select(node => (node.Node, node.InForce)));
            Assert.Matches("^(no answer within 1 s|not heard for [0-9]+ s)$", changed.Nodes[1].Problem);
            var stats = await cluster[0].Admin.GetStatsAsync(new GetStatsRequest { Cluster = true }, Call);
            Assert.Equal(("relay-0", "stopped"), (Assert.Single(stats.Cluster.ByNode).Node, Assert.Single(stats.Cluster.Missing).Node));
            Assert.Matches("^(no answer within 2 s|not heard for [0-9]+ s)$", stats.Cluster.Missing[0].Problem);
            var connections = await Client(cluster[0]).ListConnectionsAsync(new ListConnectionsRequest { Cluster = true }, Call);
            Assert.Equal("stopped", Assert.Single(connections.Missing).Node);
        }

        Assert.Equal("stopped", Assert.Single((await NodesAsync(cluster[0])).Missing).Node);
        Assert.Equal("stopped", Assert.Single((await cluster[0].Admin.ListIpsAsync(new ListIpsRequest { Cluster = true }, Call)).Missing).Node);
        Assert.Equal(StatusCode.Unavailable, await PolicyAdmin.CodeAsync(() => DrainAsync(cluster[0], "stopped")));
        await stopped.SignalAsync("CONT");
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>() is { Count: 1 } nodes && nodes.Lost().Count == 0, "it is back", Patience);
        Assert.Empty((await NodesAsync(cluster[0])).Missing);
    }

    [Fact]
    public async Task Changes_OfAllKinds_SayWhereTheyAreInForce()
    {
        await using var cluster = await StartAsync(3);
        var admin = new PolicyAdmin(cluster[0].Channel);

        var set = await admin.SetPerIpAsync(9);
        Assert.All(cluster.Relays, relay => Assert.Equal((9, set.Revision), (relay.Get<LimitPolicyStore>().Current.PerIp, relay.Get<LimitPolicyStore>().Current.Revision)));
        var ban = await admin.BanAsync("203.0.113.0/24");
        var unban = await admin.Client.UnbanAsync(new UnbanRequest { Network = "203.0.113.0/24" }, Call);
        var reset = await admin.Client.ResetPolicyAsync(new ResetPolicyRequest { All = true }, Call);
        foreach (var (nodes, revision) in new[] { (set.Nodes, set.Revision), (ban.Nodes, ban.Revision), (unban.Nodes, unban.Revision), (reset.Nodes, reset.Revision) })
        {
            Assert.Equal([("relay-0", true, revision), ("relay-1", true, revision), ("relay-2", true, revision)], nodes.Select(node => (node.Node, node.InForce, node.Revision)));
        }

        // Nobody has to apply what was not done.
        Assert.Empty((await admin.BanAsync("203.0.113.0/24", dryRun: true)).Nodes);
        Assert.Empty((await admin.Client.ResetPolicyAsync(new ResetPolicyRequest { All = true }, Call)).Nodes);
    }

    [Fact]
    public async Task Drain_OfAnotherNode_DrainsItAndIsAuditedThere()
    {
        await using var cluster = await StartAsync(2);
        await using var here = await TestClient.ConnectAsync(cluster[0]);
        await using var there = await TestClient.ConnectAsync(cluster[1]);
        using (var drain = Client(cluster[0]).Drain(new DrainRequest { Node = "relay-1", Rate = 1000, Reason = "a test" }, Call))
        {
            DrainProgress? last = null;
            while (await drain.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
            {
                last = drain.ResponseStream.Current;
            }

            Assert.Equal((DrainProgress.Types.State.Done, 0, 1), (last!.State, last.Remaining, last.Closed));
        }

        Assert.Equal((1012, "Server draining"), await there.ExpectCloseAsync());
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Snapshot().Single().State == "draining", "the others hear of it", Patience);
        Assert.Equal("mixed", (await cluster[0].Admin.GetStatsAsync(new GetStatsRequest { Cluster = true }, Call)).State);
        var audited = (await cluster[1].Admin.ListAuditAsync(new ListAuditRequest { Method = "Drain" }, Call)).Entries.Single(entry => entry.Method == "Drain");
        var caller = (await cluster[0].Admin.ListAuditAsync(new ListAuditRequest { Method = "Drain" }, Call)).Entries.Single(entry => entry.Method == "Drain");
        Assert.Equal((caller.Who, "rate=1000 node=relay-0", "a test", "relay", "ok"), (audited.Who, audited.What, audited.Why, audited.Transport, audited.Result));
        Assert.Equal("rate=1000 node=relay-1", caller.What);

        var cancelled = await Client(cluster[0]).CancelDrainAsync(new CancelDrainRequest { Node = "relay-1" }, Call);
        Assert.Equal((DrainProgress.Types.State.Cancelled, 0), (cancelled.State, cancelled.Remaining));
        var again = await Assert.ThrowsAsync<RpcException>(async () => await Client(cluster[0]).CancelDrainAsync(new CancelDrainRequest { Node = "relay-1" }, Call));
        Assert.Equal((StatusCode.FailedPrecondition, "node relay-1: no drain is in progress"), (again.StatusCode, again.Status.Detail));
        Assert.Contains(
            (await cluster[1].Admin.ListAuditAsync(new ListAuditRequest { Method = "CancelDrain" }, Call)).Entries, entry => (entry.What, entry.Result) == ("node=relay-0", "FAILED_PRECONDITION"));
        Assert.Equal(StatusCode.NotFound, await PolicyAdmin.CodeAsync(() => DrainAsync(cluster[0], "nobody")));
        Assert.Equal(StatusCode.InvalidArgument, await PolicyAdmin.CodeAsync(() => DrainAsync(cluster[0], "relay-1", rate: -1)));

        // By its own name it is the relay that is called.
        Assert.Equal(StatusCode.FailedPrecondition, await PolicyAdmin.CodeAsync(async () => await Client(cluster[0]).CancelDrainAsync(new CancelDrainRequest { Node = "relay-0" }, Call)));
        await here.ExpectNothingAsync();
    }

    [Fact]
    public async Task NatsAway_IsSaidAndTheRelaysOwnIsThere()
    {
        await using var cluster = await StartAsync(2);
        await cluster.Nats.KillAsync();
        await Eventually.TrueAsync(() => !cluster[0].Get<ClusterBus>().IsUp, "it is away", Patience);

        var stats = await cluster[0].Admin.GetStatsAsync(new GetStatsRequest { Cluster = true }, Call);
        Assert.Equal("relay-0", Assert.Single(stats.Cluster.ByNode).Node);
        Assert.Contains(stats.Cluster.Missing, missing => (missing.Node, missing.Problem) == ("", "NATS cannot be reached"));
        var changed = await new PolicyAdmin(cluster[0].Channel).SetPerIpAsync(9);
        Assert.Equal([("relay-0", true), ("relay-1", false)], changed.Nodes.Select(node => (node.Node, node.InForce)));
    }

    [Fact]
    public async Task Alone_IsSaid()
    {
        await using var alone = await RelayServer.StartAsync();
        foreach (var call in new Func<Task>[]
        {
            async () => await alone.Admin.GetStatsAsync(new GetStatsRequest { Cluster = true }, Call),
            async () => await alone.Admin.ListIpsAsync(new ListIpsRequest { Cluster = true }, Call),
            async () => await Client(alone).ListConnectionsAsync(new ListConnectionsRequest { Cluster = true }, Call),
            () => DrainAsync(alone, "b"),
        })
        {
            var refused = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
            Assert.StartsWith("this relay is alone", refused.Status.Detail, StringComparison.Ordinal);
        }

        Assert.Empty((await new PolicyAdmin(alone.Channel).SetPerIpAsync(9)).Nodes);
    }

    private static ConnectionService.ConnectionServiceClient Client(RelayServer relay) => new(relay.Channel);

    private static async Task<ListNodesResponse> NodesAsync(RelayServer relay) => await new ClusterService.ClusterServiceClient(relay.Channel).ListNodesAsync(new ListNodesRequest(), Call);

    private static async Task DrainAsync(RelayServer relay, string node, int rate = 0)
    {
        using var drain = Client(relay).Drain(new DrainRequest { Node = node, Rate = rate }, Call);
        await drain.ResponseStream.MoveNext(TestContext.Current.CancellationToken);
    }

    private static async Task<RelayCluster> StartAsync(int relays)
    {
        var cluster = await RelayCluster.StartAsync(relays);
        await Eventually.TrueAsync(() => cluster.Relays.All(relay => relay.Get<ClusterNodes>().Count == relays - 1), "all know all", Patience);
        return cluster;
    }
}
