using System.Text.Json;
using System.Text.RegularExpressions;
using AdminCli.Tests.Support;
using Relay.AdminCli;
using Relay.TestKit;

namespace AdminCli.Tests.Live;

/// <summary>Two relays of one cluster, seen and changed from the first.</summary>
public sealed class ClusterTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private NatsServer? _nats;
    private RelayProcess _a = null!;
    private RelayProcess _b = null!;

    public async ValueTask InitializeAsync()
    {
        NatsServer.SkipWhereMissing();
        PostgresServer.SkipWhereMissing();
        var storage = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        _nats = await NatsServer.StartAsync();
        _a = await RelayProcess.StartAsync($"--Cluster:Nats:0={_nats.Url}", "--Cluster:Node=a", $"--Storage:Connection={storage}");
        _b = await RelayProcess.StartAsync($"--Cluster:Nats:0={_nats.Url}", "--Cluster:Node=b", $"--Storage:Connection={storage}");
        await _a.PrintedAsync("Node b is in the cluster");
    }

    public async ValueTask DisposeAsync()
    {
        if (_nats is not null)
        {
            await _a.DisposeAsync();
            await _b.DisposeAsync();
            await _nats.DisposeAsync();
        }
    }

    [Fact]
    public async Task AllNodes_AreSeenAndChangedFromOne()
    {
        await _a.EnterAsync("127.0.0.2");
        await _b.EnterAsync("127.0.0.3");
        await _b.EnterAsync("127.0.0.3");

        var stats = await _a.Cli.RunLineAsync("stats --cluster");
        Assert.Equal((ExitCodes.Ok, ""), (stats.ExitCode, stats.Error));
        Assert.Matches(@"(?m)^nodes +2 of 2 nodes ready$", stats.Output);
        Assert.Matches(@"(?m)^a\* +ready   clients 1 of 10,000 ", stats.Output);
        Assert.Matches(@"(?m)^b +ready   clients 2 of 10,000 ", stats.Output);
        Assert.Matches(@"(?m)^clients +3 of 20,000 ", stats.Output);
        using (var json = JsonDocument.Parse((await _b.Cli.RunLineAsync("stats --cluster -o json")).Output))
        {
            Assert.Equal(3, json.RootElement.GetProperty("connections").GetProperty("current").GetInt64());
            Assert.Equal([("b", 2L), ("a", 1L)], json.RootElement.GetProperty("cluster").GetProperty("byNode").EnumerateArray().Select(
                node => (node.GetProperty("node").GetString(), node.GetProperty("stats").GetProperty("connections").GetProperty("current").GetInt64())));
            Assert.Equal(0, json.RootElement.GetProperty("cluster").GetProperty("missing").GetArrayLength());
        }

        var connections = await _a.Cli.RunLineAsync("connections --cluster");
        Assert.Equal((4, ""), (connections.OutputLines.Length, connections.Error));
        Assert.StartsWith("NODE   ", connections.Output, StringComparison.Ordinal);
        Assert.Equal(["a 127.0.0.2", "b 127.0.0.3", "b 127.0.0.3"], connections.OutputLines[1..].Select(line => Regex.Replace(line, @"^(\S+) +\d+ +(\S+) .*$", "$1 $2")).Order(StringComparer.Ordinal));
        Assert.DoesNotContain("NODE", (await _a.Cli.RunAsync("connections")).Output);

        using (var top = JsonDocument.Parse((await _a.Cli.RunLineAsync("top --cluster --once -o json")).Output))
        {
            Assert.Equal((3, 2), (top.RootElement.GetProperty("stats").GetProperty("connections").GetProperty("current").GetInt64(), top.RootElement.GetProperty("stats").GetProperty("cluster").GetProperty("byNode").GetArrayLength()));
        }

        var set = await _a.Cli.RunLineAsync("set-limit --per-ip 7");
        Assert.Matches(@"(?m)^nodes +in force on 2 of 2 nodes$", set.Output);
        Assert.Matches(@"(?m)^nodes +in force on 2 of 2 nodes$", (await _a.Cli.RunLineAsync("ban 203.0.113.0/24")).Output);
        Assert.Matches(@"(?m)^nodes +in force on 2 of 2 nodes$", (await _a.Cli.RunLineAsync("unban 203.0.113.0/24")).Output);
        using (var json = JsonDocument.Parse((await _a.Cli.RunLineAsync("set-limit --per-ip 8 -o json")).Output))
        {
            Assert.Equal([("a", true), ("b", true)], json.RootElement.GetProperty("nodes").EnumerateArray().Select(node => (node.GetProperty("node").GetString(), node.GetProperty("inForce").GetBoolean())));
        }

        Assert.Equal("--interval is at least 1s with --cluster.", (await _a.Cli.RunLineAsync("stats --cluster --watch --interval 200ms")).ErrorLines[0]);
        var drained = await _a.Cli.RunLineAsync("drain --node b --rate 1000 --reason test");
        Assert.Equal((ExitCodes.Ok, "Drained: 2 closed, no client is connected. New connections are still refused."), (drained.ExitCode, drained.OutputLines[^1]));
        Assert.Matches(@"(?m)^b +draining ", (await _a.Cli.RunLineAsync("stats --cluster")).Output);
        Assert.Matches(@"(?m)^\S+ #\d+ .* Drain rate=1000 node=a  ok  \(test\)$", (await _b.Cli.RunAsync("audit")).Output);
        Assert.Equal("Drain cancelled. 0 clients connected, accepting new connections.\n", (await _a.Cli.RunLineAsync("drain --cancel --node b")).Output);
        var nobody = await _a.Cli.RunLineAsync("drain --node c");
        Assert.Equal((ExitCodes.Rejected, true), (nobody.ExitCode, nobody.Error.Contains("no node called 'c' is in the cluster", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task KilledNode_IsNamed()
    {
        await _b.KillAsync();

        // Before and after it is noticed: killed, it says no goodbye.
        foreach (var line in new[] { "stats --cluster", "connections --cluster", "stats --cluster" })
        {
            var result = await _a.Cli.RunLineAsync(line);
            Assert.Equal(ExitCodes.Ok, result.ExitCode);
            Assert.Matches("^warning: b is missing: (it has just left, or is of a version that cannot be asked|no answer within 2 s|not heard for [0-9]+ s)\n$", result.Error);
        }

        await _a.PrintedAsync("Node b has left the cluster");
        Assert.Matches("^warning: b is missing: not heard for [0-9]+ s\n$", (await _a.Cli.RunAsync("cluster")).Error);
        var set = await _a.Cli.RunLineAsync("set-limit --per-ip 7");
        Assert.Equal(ExitCodes.Ok, set.ExitCode);
        Assert.Matches(@"(?m)^nodes +in force on 1 of 2 nodes   not on b \(not heard for \d+ s\)$", set.Output);
        using var json = JsonDocument.Parse((await _a.Cli.RunLineAsync("connections --cluster -o json")).Output);
        Assert.Equal("b", json.RootElement.GetProperty("missing")[0].GetProperty("node").GetString());
        using var watch = ChildProcess.Start("bash", ["--noprofile", "--norc", "-c", "relayctl stats --cluster --watch | head -1"], ("RELAY_ADMIN", _a.Socket));
        Assert.EndsWith(" mismatch=0 MISSING=b", await watch.ReadLineAsync().WaitAsync(Patience, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await watch.EndAsync();
    }
}

public sealed class NoClusterTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    [Theory]
    [InlineData("stats --cluster")]
    [InlineData("stats --cluster --watch")]
    [InlineData("connections --cluster")]
    [InlineData("ips --cluster")]
    [InlineData("top --cluster --once")]
    [InlineData("drain --node b")]
    public async Task Alone_IsSaid(string line)
    {
        var result = await fixture.Relay.Cli.RunLineAsync(line);

        Assert.Equal((ExitCodes.Rejected, ""), (result.ExitCode, result.Output));
        Assert.Contains("this relay is alone: it is in no cluster, as Cluster:Nats is empty; ask for this relay only", result.Error, StringComparison.Ordinal);
    }
}
