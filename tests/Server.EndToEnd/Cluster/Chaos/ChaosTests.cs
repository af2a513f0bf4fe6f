using System.Globalization;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Cluster.Chaos;

/// <summary>
/// Three relays whose parts die, stop and come back, one after another, while clients on all of them send each other numbered messages. No message
/// comes twice or out of order, the sender of each that does not come is told (<see cref="ChaosRecord"/>), nobody waits for ever, and afterwards nothing is left.
/// With the variable RELAY_TEST_CHAOS=10 it goes on for ten minutes, with faults at random; RELAY_TEST_SEED repeats their order.
/// </summary>
[Trait("Programs", "Started")]
public sealed class ChaosTests
{
    private const int Pairs = 6;
    private const string Crowd = "127.0.0.7";

    // A relay that is silent for 3 s is gone.
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(5);

    // A NATS server that is silent for some 6 s is given up.
    private static readonly TimeSpan VeryLong = TimeSpan.FromSeconds(10);

    private static readonly (string Name, Func<ChaosCluster, int, Task> DoAsync)[] Faults =
    [
        ("a relay is killed", KillRelayAsync),
        ("a relay is stopped for a moment", (cluster, node) => StopRelayAsync(cluster, node, Short)),
        ("a relay is stopped for so long that it is given up", (cluster, node) => StopRelayAsync(cluster, node, Long)),
        ("the connection of a relay to NATS is cut", (cluster, node) => CutAsync(cluster, node, TimeSpan.Zero)),
        ("a relay cannot reach NATS for a while", (cluster, node) => CutAsync(cluster, node, Long)),
        ("a NATS server is killed", (cluster, node) => KillNatsAsync([cluster.Nats[node % 2]], TimeSpan.Zero)),
        ("both NATS servers are killed", (cluster, _) => KillNatsAsync(cluster.Nats, TimeSpan.Zero)),
        ("a NATS server is stopped for a moment", (cluster, node) => StopNatsAsync([cluster.Nats[node % 2]], Short)),
        ("PostgreSQL is killed", KillPostgresAsync),
        ("the relays are upgraded one by one", UpgradeAsync),
    ];

    // Too long for every run.
    private static readonly (string Name, Func<ChaosCluster, int, Task> DoAsync)[] LongFaults =
    [
        ("a NATS server is stopped for so long that it is given up", (cluster, node) => StopNatsAsync([cluster.Nats[node % 2]], VeryLong)),
        ("both NATS servers are stopped for so long that they are given up", (cluster, _) => StopNatsAsync(cluster.Nats, VeryLong)),
        ("NATS is away for so long that the relays are alone", (cluster, _) => KillNatsAsync(cluster.Nats, Long)),
    ];

    [Fact]
    public async Task Parts_DieAndComeBack_NothingIsLostInSilence()
    {
        var seed = TestCluster.Seed;
        var output = TestContext.Current.TestOutputHelper!;
        output.WriteLine($"{TestedPrograms.SeedVariable}={seed}");
        var random = new Random(seed);
        await using var cluster = await ChaosCluster.StartAsync();
        using var traffic = new ChaosTraffic(cluster, Pairs, random);
        await traffic.FlowAsync();
        foreach (var (name, doAsync) in Plan(random))
        {
            var node = random.Next(ChaosCluster.Nodes);
            output.WriteLine($"{DateTime.UtcNow:HH:mm:ss.fff} {name} ({node}); {traffic.Arrived} messages, {traffic.Lost} lost with a connection, {traffic.Connections} connections");
            await doAsync(cluster, node);
            await traffic.FlowAsync();
            await cluster.MeetAsync();
        }

        await ExpectOneLimitAsync(cluster);
        await traffic.StopAsync();
        output.WriteLine($"{traffic.Arrived} messages arrived, {traffic.Lost} lost with a connection, {traffic.Connections} connections");
        await ExpectNothingLeftAsync(cluster);
        Assert.All(cluster.Logs, ExpectNoBug);
    }

    private static IEnumerable<(string Name, Func<ChaosCluster, int, Task> DoAsync)> Plan(Random random)
    {
        if (!double.TryParse(Environment.GetEnvironmentVariable(TestedPrograms.ChaosVariable), CultureInfo.InvariantCulture, out var minutes))
        {
            return Faults;
        }

        return UntilTheEnd();

        IEnumerable<(string Name, Func<ChaosCluster, int, Task> DoAsync)> UntilTheEnd()
        {
            var end = DateTime.UtcNow.AddMinutes(minutes);
            while (DateTime.UtcNow < end)
            {
                yield return random.GetItems([.. Faults, .. LongFaults], 1)[0];
            }
        }
    }

    private static async Task KillRelayAsync(ChaosCluster cluster, int node)
    {
        await cluster.KillAsync(node);
        await cluster.StartAsync(node);
    }

    private static async Task StopRelayAsync(ChaosCluster cluster, int node, TimeSpan time)
    {
        await cluster.Relay(node).SignalAsync("STOP");
        await PassAsync(time);
        await cluster.Relay(node).SignalAsync("CONT");
    }

    private static async Task CutAsync(ChaosCluster cluster, int node, TimeSpan time)
    {
        foreach (var road in cluster.Roads(node))
        {
            road.Cut();
        }

        await PassAsync(time);
        foreach (var road in cluster.Roads(node))
        {
            road.Mend();
        }
    }

    private static async Task KillNatsAsync(IReadOnlyList<NatsServer> servers, TimeSpan time)
    {
        await Task.WhenAll(servers.Select(server => server.KillAsync()));
        await PassAsync(time);
        await Task.WhenAll(servers.Select(server => server.RestartAsync()));
    }

    private static async Task StopNatsAsync(IReadOnlyList<NatsServer> servers, TimeSpan time)
    {
        await Task.WhenAll(servers.Select(server => server.SignalAsync("STOP")));
        await PassAsync(time);
        await Task.WhenAll(servers.Select(server => server.SignalAsync("CONT")));
    }

    private static async Task KillPostgresAsync(ChaosCluster cluster, int node)
    {
        await cluster.Postgres.KillAsync();
        await cluster.Postgres.RestartAsync();
    }

    private static async Task UpgradeAsync(ChaosCluster cluster, int first)
    {
        for (var i = 0; i < ChaosCluster.Nodes; i++)
        {
            var node = (first + i) % ChaosCluster.Nodes;
            await cluster.StopAsync(node);
            await cluster.StartAsync(node);
            await cluster.MeetAsync();
        }
    }

    // In real time: the relays are programs of their own.
    private static async Task PassAsync(TimeSpan time)
    {
        if (time > TimeSpan.Zero)
        {
            using var timer = new PeriodicTimer(time);
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>More of one address come to all relays at once than it may have: each lets in its limit at most, and once all have told each other, none lets in any more.</summary>
    private static async Task ExpectOneLimitAsync(ChaosCluster cluster)
    {
        var held = new List<RawWebSocket>();
        for (var i = 0; i < ChaosCluster.PerIp * (ChaosCluster.Nodes + 1); i++)
        {
            if (await ComeAsync(cluster.Relay(i % ChaosCluster.Nodes).Port) is { } guest)
            {
                held.Add(guest);
            }
        }

        Assert.InRange(held.Count, ChaosCluster.PerIp, ChaosCluster.PerIp * ChaosCluster.Nodes);
        for (var node = 0; node < ChaosCluster.Nodes; node++)
        {
            await KnowsAsync(node, held.Count);
            Assert.Null(await ComeAsync(cluster.Relay(node).Port));
        }

        foreach (var guest in held)
        {
            await guest.DisposeAsync();
        }

        for (var node = 0; node < ChaosCluster.Nodes; node++)
        {
            await KnowsAsync(node, 0);
        }

        async Task KnowsAsync(int node, int connections)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            using var patience = new CancellationTokenSource(ChaosCluster.Patience);
            while (await cluster.CountAsync(node, Crowd) != connections)
            {
                await timer.WaitForNextTickAsync(patience.Token);
            }
        }
    }

    // Null: it is not let in.
    private static async Task<RawWebSocket?> ComeAsync(int port)
    {
        const int TextFrame = 1;
        var guest = await RawWebSocket.OpenAsync(port, from: Crowd);
        if ((await guest.ReadFrameAsync()).Opcode == TextFrame)
        {
            return guest;
        }

        await guest.DisposeAsync();
        return null;
    }

    private static async Task ExpectNothingLeftAsync(ChaosCluster cluster)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        using var patience = new CancellationTokenSource(ChaosCluster.Patience);
        for (var node = 0; node < ChaosCluster.Nodes; node++)
        {
            while (await cluster.StatsAsync(node) is not { Cluster.Connections: 0, Pairing.PendingRequests: 0 } || await cluster.VerifyAsync(node) is not { LedgerConnections: 0 })
            {
                await timer.WaitForNextTickAsync(patience.Token);
            }

            Assert.True(await cluster.VerifyAsync(node) is { Ok: true, Drift: 0, LiveConnections: 0 });
            Assert.Equal(0, (await cluster.StatsAsync(node)).Ledger.DriftsTotal);
        }
    }

    private static void ExpectNoBug(string log) => Assert.DoesNotContain(
        log.Split('\n'),
        line => (line.Contains(" fail: ", StringComparison.Ordinal) && !line.Contains("cannot be reached", StringComparison.Ordinal)) || line.Contains("Unhandled", StringComparison.Ordinal));
}
