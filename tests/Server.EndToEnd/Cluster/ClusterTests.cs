using System.Net;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Cluster;
using Relay.Configuration;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Cluster;

/// <summary>Three relays on a real NATS server.</summary>
public sealed class ClusterTests : IAsyncLifetime
{
    private const int PerIp = 6;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly IpKey[] Addresses = [.. Enumerable.Range(1, 5).Select(host => IpKey.From(IPAddress.Parse($"203.0.113.{host}")))];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private readonly List<RelayServer> _nodes = [];
    private NatsServer _nats = null!;

    public async ValueTask InitializeAsync() => _nats = await NatsServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        if (_nats is not null)
        {
            await _nats.DisposeAsync();
        }
    }

    [Fact]
    public async Task Nodes_StartAndStop_AreSeenByTheOthers()
    {
        await StartAsync("a");
        await StartAsync("b");
        await StartAsync("c");
        await MeetAsync();

        var listed = await ListAsync(_nodes[1]);
        Assert.Equal(("relay", false), (listed.Cluster, listed.Away));
        Assert.Equal([("b", true), ("a", false), ("c", false)], listed.Nodes.Select(node => (node.Name, node.Self)));
        Assert.All(listed.Nodes, node =>
        {
            Assert.Equal((ServerCommand.Version, PerIp * 10L, 1L), (node.Version, node.TotalLimit, node.PolicyRevision));
            Assert.InRange(node.StartedAt.ToDateTimeOffset(), DateTimeOffset.UtcNow - TimeSpan.FromHours(1), DateTimeOffset.UtcNow);
        });
        Assert.Equal(2, (await _nodes[1].Admin.GetStatsAsync(new GetStatsRequest(), cancellationToken: Token)).Cluster.Nodes);

        // Stopped in good order: nobody waits for its silence.
        await _nodes[2].DisposeAsync();
        _nodes.RemoveAt(2);
        await Eventually.TrueAsync(() => _nodes.TrueForAll(node => node.Get<ClusterNodes>().Count == 1), "the others know that it has left", Patience);
        Assert.All(_nodes, node => Assert.Equal(1, node.Get<ClusterBus>().Traffic.All().Single(row => row is ("received", "goodbye", _, _)).Messages));
    }

    [Fact]
    public async Task Address_OnThreeNodes_HasOneLimit()
    {
        await StartAsync("a", Guests.Trust);
        await StartAsync("b", Guests.Trust);
        await StartAsync("c", Guests.Trust);
        await MeetAsync();
        var guests = _nodes.Select(node => new Guests(node)).ToArray();
        foreach (var guest in guests)
        {
            Assert.Equal(Guests.Admitted, await guest.ComeAsync("203.0.113.1"));
            Assert.Equal(Guests.Admitted, await guest.ComeAsync("203.0.113.1"));
        }

        await SettleAsync(new() { [(0, 0)] = 2, [(1, 0)] = 2, [(2, 0)] = 2 });
        Assert.Equal((1013, "Too many connections from this IP"), await guests[0].ComeAsync("203.0.113.1"));
        Assert.Equal(Guests.Admitted, await guests[0].ComeAsync("203.0.113.2"));
        await SettleAsync(new() { [(0, 0)] = 2, [(1, 0)] = 2, [(2, 0)] = 2, [(0, 1)] = 1 });
        var explained = await new DecisionService.DecisionServiceClient(_nodes[1].Channel).ExplainAsync(new ExplainRequest { Address = "127.0.0.1", Headers = { "X-Forwarded-For: 203.0.113.1" } }, cancellationToken: Token);
        var limit = explained.Limits.Single(row => row.Name == "address");
        Assert.Equal(("per_ip_limit", 6, 4, 6), (explained.Verdict, limit.Connections, limit.Remote, limit.Limit));
        var ips = await _nodes[1].Admin.ListIpsAsync(new ListIpsRequest { Cluster = true }, cancellationToken: Token);
        Assert.Equal([("203.0.113.1", 6L), ("203.0.113.2", 1L)], ips.Ips.Select(ip => (ip.Key, ip.Connections)));
        Assert.Equal([("203.0.113.1", 2L)], (await _nodes[1].Admin.ListIpsAsync(new ListIpsRequest(), cancellationToken: Token)).Ips.Select(ip => (ip.Key, ip.Connections)));

        // A node that is gone takes its counts with it.
        await _nodes[2].DisposeAsync();
        _nodes.RemoveAt(2);
        await Eventually.TrueAsync(() => _nodes.TrueForAll(node => node.Get<RemoteCounts>().Of(Addresses[0]).Key == 2), "its clients count no more", Patience);
        Assert.Equal(Guests.Admitted, await guests[0].ComeAsync("203.0.113.1"));
        Array.ForEach(guests, guest => guest.Dispose());
        await Eventually.TrueAsync(() => _nodes.TrueForAll(node => node.Get<RemoteCounts>() is { Keys: 0, Total: 0 }), "nothing is left", Patience);
    }

    [Fact]
    public async Task ClusterTotal_IsReached_RefusesOnEveryNode()
    {
        await StartAsync("a", settings => settings.Cluster.Total = 3);
        await StartAsync("b", settings => settings.Cluster.Total = 3);
        await MeetAsync();
        await using var one = await TestClient.ConnectAsync(_nodes[0], from: "127.0.0.2");
        await using var two = await TestClient.ConnectAsync(_nodes[0], from: "127.0.0.3");
        await using var three = await TestClient.ConnectAsync(_nodes[1], from: "127.0.0.4");
        await Eventually.TrueAsync(() => _nodes.Sum(node => node.Get<RemoteCounts>().Total) == 3, "the nodes know each other's clients", Patience);

        foreach (var node in _nodes)
        {
            using var refused = await RawClient.UpgradeAsync(node, "127.0.0.5");
            var (_, payload) = await refused.ReadFrameAsync();
            Assert.Equal("Server at capacity", System.Text.Encoding.UTF8.GetString(payload.AsSpan(2)));
            Assert.Equal(1, (await node.Admin.GetStatsAsync(new GetStatsRequest(), cancellationToken: Token)).Refused.ByReason["cluster_total_limit"]);
        }
    }

    /// <summary>Once the nodes know what all hold, nobody exceeds anything; until then by those who came to other nodes meanwhile at most.</summary>
    [Fact]
    public async Task Limits_RandomArrivalsOnThreeNodes_AreExceededByTheArrivalsOfOneIntervalAtMost()
    {
        await StartAsync("a");
        await StartAsync("b");
        await StartAsync("c");
        await MeetAsync();
        var random = new Random(20261128);
        var held = new List<(int Node, int Address, AdmissionLease Lease)>();
        for (var round = 0; round < 8; round++)
        {
            var admitted = new List<(int Node, int Address)>();
            for (var i = 0; i < 40; i++)
            {
                var (node, address) = (random.Next(3), random.Next(Addresses.Length));
                if (TryCome(node, address, out var lease))
                {
                    // What other nodes hold was known when the round began, or later.
                    var others = admitted.Count(one => one.Address == address && one.Node != node);
                    held.Add((node, address, lease));
                    Assert.InRange(held.Count(client => client.Address == address), 0, PerIp + others);
                    admitted.Add((node, address));
                }
            }

            await SettleAsync(Counts(held));
            foreach (var node in Enumerable.Range(0, 3))
            {
                foreach (var full in Enumerable.Range(0, Addresses.Length).Where(address => held.Count(client => client.Address == address) >= PerIp))
                {
                    Assert.False(TryCome(node, full, out _));
                }
            }

            for (var i = held.Count * 2 / 3; i > 0; i--)
            {
                var leaving = random.Next(held.Count);
                _nodes[held[leaving].Node].Get<ConnectionLedger>().Release(held[leaving].Lease);
                held.RemoveAt(leaving);
            }

            await SettleAsync(Counts(held));
        }

        held.ForEach(client => _nodes[client.Node].Get<ConnectionLedger>().Release(client.Lease));
        await SettleAsync([]);
        Assert.All(_nodes, node => Assert.Equal((0, 0), (node.Get<RemoteCounts>().Keys, node.Get<RemoteCounts>().Total)));

        // Every address that got above its limit was noticed by a node that holds some of it.
        Assert.Contains(_nodes, node => node.Get<ClusterCounts>().Overshoot is { Keys: > 0, Worst: > 0 });
    }

    [Fact]
    public async Task Nats_Away_NodesServeAloneAndSaySo()
    {
        await StartAsync("a");
        await StartAsync("b", settings => settings.Cluster.Required = true);
        await MeetAsync();
        Assert.True(TryCome(0, 0, out _));
        await SettleAsync(new() { [(0, 0)] = 1 });
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], await Task.WhenAll(_nodes.Select(ReadyAsync)));

        await _nats.KillAsync();
        await Eventually.TrueAsync(() => _nodes.TrueForAll(node => !node.Get<ClusterBus>().IsUp && node.Get<RemoteCounts>().Total == 0 && node.Get<ClusterNodes>().Count == 0), "they are alone", Patience);
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable], await Task.WhenAll(_nodes.Select(ReadyAsync)));
        Assert.True((await _nodes[0].Admin.GetStatsAsync(new GetStatsRequest(), cancellationToken: Token)).Cluster.Away);
        Assert.True((await ListAsync(_nodes[0])).Away);
        Assert.True(TryCome(0, 0, out _));

        await _nats.RestartAsync();
        await SettleAsync(new() { [(0, 0)] = 2 });
        await Eventually.TrueAsync(async () => await ReadyAsync(_nodes[1]) == HttpStatusCode.OK, "it is ready again", Patience);
    }

    /// <summary>What docs/operations.md tells operators to allow.</summary>
    [Fact]
    public async Task Nats_WithTheRightsOfTheDocument_IsEnough()
    {
        const string Rights = "[\"relay.mine.>\", \"_INBOX.relay.mine.>\"]";
        await using var nats = await NatsServer.StartAsync(
            $"authorization {{ users: [ {{ user: relay, password: right, permissions: {{ publish: {Rights}, subscribe: {Rights} }} }} ] }}");
        foreach (var name in new[] { "a", "b" })
        {
            await StartAsync(name, settings => (settings.Cluster.Nats, settings.Cluster.Name) = ([$"nats://relay:right@127.0.0.1:{nats.Port}"], "mine"));
        }

        await MeetAsync();
        Assert.True(TryCome(0, 0, out _));
        await SettleAsync(new() { [(0, 0)] = 1 });
    }

    [Fact]
    public async Task Relay_Alone_SaysSo()
    {
        await using var alone = await RelayServer.StartAsync();

        var listed = await ListAsync(alone);

        Assert.Equal(("", false, true), (listed.Cluster, listed.Away, Assert.Single(listed.Nodes).Self));
        Assert.Null((await alone.Admin.GetStatsAsync(new GetStatsRequest(), cancellationToken: Token)).Cluster);
    }

    private static Dictionary<(int Node, int Address), int> Counts(IEnumerable<(int Node, int Address, AdmissionLease Lease)> held) =>
        held.GroupBy(client => (client.Node, client.Address)).ToDictionary(group => group.Key, group => group.Count());

    private static async Task<HttpStatusCode> ReadyAsync(RelayServer node)
    {
        using var http = new HttpClient { BaseAddress = node.Http };
        using var response = await http.GetAsync(new Uri("/ready", UriKind.Relative), Token);
        return response.StatusCode;
    }

    private static async Task<ListNodesResponse> ListAsync(RelayServer node) => await new ClusterService.ClusterServiceClient(node.Channel).ListNodesAsync(new ListNodesRequest(), cancellationToken: Token);

    private async Task StartAsync(string name, Action<RelaySettings>? configure = null) => _nodes.Add(await RelayServer.StartAsync(settings =>
    {
        (settings.Cluster.Nats, settings.Cluster.Node) = ([_nats.Url], name);
        (settings.Admission.PerIp, settings.Admission.Total) = (PerIp, PerIp * 10);
        configure?.Invoke(settings);
    }));

    private Task MeetAsync() => Eventually.TrueAsync(() => _nodes.TrueForAll(node => node.Get<ClusterNodes>().Count == _nodes.Count - 1), "all know all", Patience);

    private bool TryCome(int node, int address, out AdmissionLease lease) => _nodes[node].Get<AdmissionGate>().TryAdmit(Addresses[address], out lease).Refusal == Refusal.None;

    // Every node knows what the others hold.
    private Task SettleAsync(Dictionary<(int Node, int Address), int> held) => Eventually.TrueAsync(
        () => Enumerable.Range(0, _nodes.Count).All(node => Enumerable.Range(0, Addresses.Length).All(address =>
            _nodes[node].Get<RemoteCounts>().Of(Addresses[address]).Key == held.Where(one => one.Key.Node != node && one.Key.Address == address).Sum(one => one.Value))),
        "all know what all hold",
        Patience);
}
