using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

/// <summary>peers, verify, health, and a relay that is reached wrongly or not any more.</summary>
public sealed class QuietCommandsTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    private readonly RelayProcess _relay = fixture.Relay;

    [Fact]
    public async Task Peers_None_IsASentence()
    {
        var result = await _relay.Cli.RunAsync("peers");
        Assert.Equal((ExitCodes.Ok, "No peer servers connected.\n", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public async Task Peers_AsJson_IsAnEmptyList()
    {
        using var json = JsonDocument.Parse((await _relay.Cli.RunLineAsync("peers -o json")).Output);
        Assert.Equal(0, json.RootElement.GetProperty("peers").GetArrayLength());
    }

    [Fact]
    public async Task Cluster_RelayThatIsAlone_SaysSo()
    {
        var result = await _relay.Cli.RunAsync("cluster");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.Equal("This relay is alone: Cluster:Nats is empty.", result.OutputLines[0]);
        Assert.Matches(@"^NODE +STATE +VERSION +CLIENTS +LIMIT ", result.OutputLines[1]);
        Assert.Matches(@"^\S+\* +ready +\S+ +\d+ +\d+ +\d+ +0 +1 +\w+ +\w+ +-$", result.OutputLines[2].TrimEnd());
    }

    [Fact]
    public async Task Verify_HealthyRelay_IsOk()
    {
        Assert.True(await _relay.ConnectAsync());
        var result = await _relay.Cli.RunAsync("verify");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"^ledger     \d+ slots\nopen       \d+ sockets\nmismatch   0, all counts match\n$", result.Output);
    }

    [Fact]
    public async Task Verify_AsJson_IsTheResponse()
    {
        using var json = JsonDocument.Parse((await _relay.Cli.RunLineAsync("verify -o json")).Output);
        Assert.True(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.Equal(0, json.RootElement.GetProperty("drift").GetInt64());
    }

    [Fact]
    public async Task Health_ReadyRelay_IsServing()
    {
        var result = await _relay.Cli.RunAsync("health");
        Assert.Equal((ExitCodes.Ok, "serving\n", ""), (result.ExitCode, result.Output, result.Error));
        using var json = JsonDocument.Parse((await _relay.Cli.RunLineAsync("health -o json")).Output);
        Assert.Equal("SERVING", json.RootElement.GetProperty("status").GetString());
    }

    [Theory]
    [InlineData("unix:{0}")]
    [InlineData("unix://{0}")]
    [InlineData("{0}")]
    public async Task Server_EachFormOfASocket_ReachesIt(string form)
    {
        var result = await new Cli().RunAsync("health", "--server", string.Format(System.Globalization.CultureInfo.InvariantCulture, form, _relay.Socket));
        Assert.Equal("serving\n", result.Output);
    }

    [Fact]
    public async Task Server_PublicPortInsteadOfAdmin_IsNotTakenForIt()
    {
        var result = await Cli.For($"http://127.0.0.1:{_relay.Port}").RunAsync("stats");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.Matches("the server there does not speak gRPC|the connection broke", result.Error);
        Assert.Single(result.ErrorLines);
    }

    [Fact]
    public async Task Server_KilledRelay_LeavesAStaleSocketThatIsNamed()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.KillAsync();
        var result = await relay.Cli.RunAsync("stats");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.Contains("connection refused. The socket file is stale", result.Error);
    }

    [Fact]
    public async Task Help_ExamplesOfEachCommand_AreAcceptedCommandLines()
    {
        await using var relay = await RelayProcess.StartAsync("--Federation:Admit=Any");
        foreach (var command in HelpTests.Commands.Select(row => (string)row).Where(command => command is not ("completion" or "context" or "dashboard" or "upgrade")))
        {
            var help = await new Cli().RunAsync(command, "--help");
            foreach (var example in help.OutputLines.SkipWhile(line => line != "Examples:").Skip(1).Where(line => (command != "top" || line.Contains("--once", StringComparison.Ordinal)) && !line.Contains("--watch", StringComparison.Ordinal) && !line.Contains(" -f ", StringComparison.Ordinal) && !line.Contains("relayctl tail", StringComparison.Ordinal)))
            {
                var script = example.Replace("| mail -s relay oncall", "", StringComparison.Ordinal).Replace("| jq ", "| cat # ", StringComparison.Ordinal).Split('#')[0];
                var result = await ChildProcess.BashAsync(script, ("RELAY_ADMIN", relay.Socket));
                // The revision and the token of the examples are whatever they are, as is the machine; everything else must be understood and done.
                var isAnothers = ((string[])["--expect-revision", "revoke", "confirm", "unban", "rollback", "diff", "promote", "clear", "disconnect --", "relayctl doctor", "--cluster", "--node", "certbot", "federation forget"]).Any(word => example.Contains(word, StringComparison.Ordinal));
                Assert.True(result.ExitCode == 0 || isAnothers, $"{script}\n{result.Error}");
                Assert.DoesNotContain("--help` for usage", result.Error);
            }
        }
    }
}
