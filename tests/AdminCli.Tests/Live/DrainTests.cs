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
        Assert.Equal(("Drained: 3 closed, no client is left. Newcomers are still refused.", "0 0", ""), (result.OutputLines[^2], result.OutputLines[^1], result.Error));
        Assert.False(await relay.ConnectAsync());
        Assert.Matches(@"\nrelay +draining ", (await relay.Cli.RunAsync("stats")).Output);
        Assert.StartsWith("verdict   draining   the client gets status 503 \"Server draining\" before the upgrade\n", (await relay.Cli.RunLineAsync("explain 127.0.0.1")).Output);
        Assert.Matches(@"^\S+ #1 .* Drain rate=2  ok  \(upgrade\)\n$", (await relay.Cli.RunAsync("audit")).Output);

        var taken = await relay.Cli.RunLineAsync("drain --cancel");
        Assert.Equal((ExitCodes.Ok, "Taken back: 0 clients are still there, newcomers are let in again.\n", ""), (taken.ExitCode, taken.Output, taken.Error));
        Assert.True(await relay.ConnectAsync());
    }

    [Fact]
    public async Task Drain_TakenBackMeanwhile_EndsAndTellsTheScript()
    {
        await using var relay = await RelayProcess.StartAsync();
        for (var i = 0; i < 40; i++)
        {
            await relay.OpenAsync();
        }

        using var drain = ChildProcess.Start(ChildProcess.Relayctl, ["drain", "--rate", "1", "--deadline", "1h"], ("RELAY_ADMIN", relay.Socket));
        Assert.Matches(@"^draining   \d\d left   \d closed   done in about \d+s$", await drain.ReadLineAsync());
        Assert.Matches(@"^Taken back: \d+ clients are still there, newcomers are let in again.\n$", (await relay.Cli.RunLineAsync("drain --cancel --reason error")).Output);
        var result = await drain.EndAsync();
        Assert.Equal((ExitCodes.Refused, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"^Taken back: \d+ clients are still there", result.OutputLines[^1]);
        Assert.True(await relay.ConnectAsync());
    }

    [Fact]
    public async Task Drain_CtrlC_EndsTheShowingAndNotTheDrain()
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
        Assert.Equal((ExitCodes.Ok, "The drain goes on; relayctl drain --cancel takes it back.\n"), (result.ExitCode, result.Error));
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
        Assert.Equal(("DONE", "0", "40"), (Text("state"), Text("remaining"), Text("closed")));
        Assert.All(await Task.WhenAll(clients.Select(client => client.ClosedAsync())), close => Assert.Equal(1012, close.Code));

        string? Text(string name) => last.RootElement.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Drain_NothingToTakeBack_SaysSo()
    {
        var result = await fixture.Relay.Cli.RunLineAsync("drain --cancel");
        Assert.Equal((ExitCodes.Refused, "The relay refused: no drain is in progress"), (result.ExitCode, result.ErrorLines[0]));
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
        Assert.Equal((ExitCodes.Unreachable, $"Lost the relay at unix:{relay.Socket}: it has stopped, or the connection broke.\n"), (result.ExitCode, result.Error));
    }
}
