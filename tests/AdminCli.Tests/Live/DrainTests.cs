using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class DrainTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    [Fact]
    public async Task Drain_IntoAPipe_ShowsTheProgressToTheEnd()
    {
        await using var relay = await RelayProcess.StartAsync();
        var clients = new[] { await relay.OpenAsync(), await relay.OpenAsync(), await relay.OpenAsync() };
        using var drain = ChildProcess.Start("bash", ["--noprofile", "--norc", "-c", "relayctl drain --rate 2 --reason upgrade | cat; echo ${PIPESTATUS[@]}"], ("RELAY_ADMIN", relay.Socket));
        // As it goes, and not only at the end.
        Assert.Matches(@"^draining   \d left   \d closed   done in about \d+s$", await drain.ReadLineAsync());
        foreach (var client in clients)
        {
            Assert.Equal((1012, "Server draining"), await client.ClosedAsync());
        }

        var result = await drain.EndAsync();
        Assert.Equal(("Drained: 3 closed, no client is connected. New connections are still refused.", "0 0", ""), (result.OutputLines[^2], result.OutputLines[^1], result.Error));
        Assert.False(await relay.ConnectAsync());
        Assert.Matches(@"\nrelay +draining ", (await relay.Cli.RunAsync("stats")).Output);
        Assert.StartsWith("verdict   draining   the client gets status 503 \"Server draining\" before the upgrade\n", (await relay.Cli.RunLineAsync("explain 127.0.0.1")).Output);
        Assert.Matches(@"(?m)^\S+ #\d+ .* Drain rate=2  ok  \(upgrade\)$", (await relay.Cli.RunAsync("audit")).Output);

        var taken = await relay.Cli.RunLineAsync("drain --cancel");
        Assert.Equal((ExitCodes.Ok, "Drain cancelled. 0 clients connected, accepting new connections.\n", ""), (taken.ExitCode, taken.Output, taken.Error));
        Assert.True(await relay.ConnectAsync());
    }

    /// <summary>What a load balancer or a script asks: not serving from the first moment of a drain, and serving again after it was cancelled.</summary>
    [Fact]
    public async Task Health_WhileTheRelayDrains_IsNotServingAndExits1()
    {
        await using var relay = await RelayProcess.StartAsync();
        for (var i = 0; i < 40; i++)
        {
            await relay.OpenAsync();
        }

        using var drain = ChildProcess.Start(ChildProcess.Relayctl, ["drain", "--rate", "1", "--deadline", "1h", "--reason", "upgrade"], ("RELAY_ADMIN", relay.Socket));
        Assert.StartsWith("draining ", await drain.ReadLineAsync());
        using var health = ChildProcess.Start(ChildProcess.Relayctl, ["health"], ("RELAY_ADMIN", relay.Socket));
        var result = await health.EndAsync();
        Assert.Equal((ExitCodes.Rejected, "not serving\n", ""), (result.ExitCode, result.Output, result.Error));
        using var json = JsonDocument.Parse((await relay.Cli.RunLineAsync("health -o json")).Output);
        Assert.Equal("NOT_SERVING", json.RootElement.GetProperty("status").GetString());

        Assert.Equal(ExitCodes.Ok, (await relay.Cli.RunLineAsync("drain --cancel")).ExitCode);
        Assert.Equal((ExitCodes.Ok, "serving\n"), ((await relay.Cli.RunAsync("health")).ExitCode, (await relay.Cli.RunAsync("health")).Output));
        var audit = (await relay.Cli.RunAsync("audit")).Output;
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(audit, " Drain "));
        Assert.DoesNotContain(" State ", audit);
    }

    [Fact]
    public async Task Drain_CancelledMeanwhile_EndsAndTellsTheScript()
    {
        await using var relay = await RelayProcess.StartAsync();
        for (var i = 0; i < 40; i++)
        {
            await relay.OpenAsync();
        }

        using var drain = ChildProcess.Start(ChildProcess.Relayctl, ["drain", "--rate", "1", "--deadline", "1h"], ("RELAY_ADMIN", relay.Socket));
        Assert.Matches(@"^draining   \d\d left   \d closed   done in about \d+s$", await drain.ReadLineAsync());
        Assert.Matches(@"^Drain cancelled\. \d+ clients connected, accepting new connections\.\n$", (await relay.Cli.RunLineAsync("drain --cancel --reason error")).Output);
        var result = await drain.EndAsync();
        Assert.Equal((ExitCodes.Rejected, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"^Drain cancelled\. \d+ clients connected", result.OutputLines[^1]);
        Assert.True(await relay.ConnectAsync());
    }

    [Fact]
    public async Task Drain_CtrlC_StopsWatchingAndNotTheDrain()
    {
        await using var relay = await RelayProcess.StartAsync();
        for (var i = 0; i < 40; i++)
        {
            await relay.OpenAsync();
        }

        using var drain = ChildProcess.Start(ChildProcess.Relayctl, ["drain", "--rate", "1", "--deadline", "1h"], ("RELAY_ADMIN", relay.Socket));
        await drain.ReadLineAsync();
        await drain.SignalAsync("INT");
        var result = await drain.EndAsync();
        Assert.Equal((ExitCodes.Ok, "The drain continues. To cancel it: relayctl drain --cancel\n"), (result.ExitCode, result.Error));
        Assert.Matches(@"\nrelay +draining ", (await relay.Cli.RunAsync("stats")).Output);
    }

    [Fact]
    public async Task Drain_AtTheDeadline_ClosesThoseThatAreLeft()
    {
        await using var relay = await RelayProcess.StartAsync();
        var clients = new List<RelayClient>();
        for (var i = 0; i < 40; i++)
        {
            clients.Add(await relay.OpenAsync());
        }

        var result = await relay.Cli.RunLineAsync("drain --rate 1 --deadline 1s -o json");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        using var last = JsonDocument.Parse(result.OutputLines[^1]);
        Assert.Equal(("DONE", 0, 40), (last.RootElement.GetProperty("state").GetString(), Number("remaining"), Number("closed")));
        Assert.All(await Task.WhenAll(clients.Select(client => client.ClosedAsync())), close => Assert.Equal(1012, close.Code));

        long Number(string name) => last.RootElement.GetProperty(name).GetInt64();
    }

    [Fact]
    public async Task Drain_NothingToCancel_SaysSo()
    {
        var result = await fixture.Relay.Cli.RunLineAsync("drain --cancel");
        Assert.Equal((ExitCodes.Rejected, "Request rejected: no drain is in progress"), (result.ExitCode, result.ErrorLines[0]));
    }

    [Fact]
    public async Task Drain_RelayIsKilled_SaysThatItIsLost()
    {
        await using var relay = await RelayProcess.StartAsync();
        for (var i = 0; i < 40; i++)
        {
            await relay.OpenAsync();
        }

        using var drain = ChildProcess.Start(ChildProcess.Relayctl, ["drain", "--rate", "1", "--deadline", "1h"], ("RELAY_ADMIN", relay.Socket));
        await drain.ReadLineAsync();
        await relay.KillAsync();
        var result = await drain.EndAsync();
        Assert.Equal((ExitCodes.Unreachable, $"Lost the connection to the relay at unix:{relay.Socket}.\n"), (result.ExitCode, result.Error));
    }
}
