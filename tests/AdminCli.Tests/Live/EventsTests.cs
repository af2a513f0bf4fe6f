using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class EventsTests
{
    [Fact]
    public async Task Events_AfterAChange_AreShownOldestFirst()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=20");
        await relay.Cli.RunAsync("set-limit", "--per-ip", "50", "--reason", "a conference");

        var result = await relay.Cli.RunAsync("events");
        Assert.Equal((ExitCodes.Ok, 2, ""), (result.ExitCode, result.OutputLines.Length, result.Error));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ state_changed relayd  Serving: new connections are accepted$", result.OutputLines[0]);
        Assert.Matches(@"^\S+Z policy_changed uid=\d+(\(\w+\))? gid=\d+ pid=\d+  Limits changed: per-ip 20 -> 50, revision 2  \(a conference\)$", result.OutputLines[1]);
        Assert.Equal("No events.\n", (await relay.Cli.RunLineAsync("events --last 0")).Output);

        using var json = JsonDocument.Parse((await relay.Cli.RunLineAsync("events --last 1 -o json")).Output);
        Assert.Equal(("policy_changed", "a conference", 2), (Text(json, "kind"), Text(json, "reason"), json.RootElement.GetProperty("sequence").GetInt64()));
    }

    [Fact]
    public async Task Events_Following_ShowsWhatHappensUntilCtrlC()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var events = ChildProcess.Start(ChildProcess.Relayctl, ["events", "--follow", "--last", "1"], ("RELAY_ADMIN", relay.Socket));
        Assert.Contains(" state_changed relayd  Serving", await events.ReadLineAsync());
        await relay.Cli.RunLineAsync("ban 203.0.113.7 --for 1h --reason scanning");
        Assert.Matches(@" policy_changed uid=.*  Limits changed: ban/203\.0\.113\.7 \(none\) -> .*  \(scanning\)$", await events.ReadLineAsync());

        await events.SignalAsync("INT");
        var result = await events.EndAsync();
        Assert.Equal((ExitCodes.Ok, "", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public async Task Events_RelayStopsAndExitOnLoss_EndsWithASentence()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var events = ChildProcess.Start(ChildProcess.Relayctl, ["events", "-f", "--exit-on-loss"], ("RELAY_ADMIN", relay.Socket));
        Assert.Contains(" state_changed ", await events.ReadLineAsync());
        await relay.TerminateAsync();
        var result = await events.EndAsync();
        Assert.Equal((ExitCodes.Rejected, "The relay is unavailable: the relay is stopping\nTry again later.\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Events_RelayRestarts_GoesOnAndShowsNothingTwice()
    {
        using var folder = new TempFolder();
        var socket = folder["admin.sock"];
        var first = await RelayProcess.StartAsync($"--Admin:Socket={socket}");
        using var events = ChildProcess.Start(ChildProcess.Relayctl, ["events", "-f"], ("RELAY_ADMIN", socket));
        await using (first)
        {
            Assert.Contains(" Serving", await events.ReadLineAsync());
            await Cli.For(socket).RunLineAsync("ban 203.0.113.7 --for 1h");
            Assert.Contains(" ban/203.0.113.7 ", await events.ReadLineAsync());
            await first.KillAsync();
        }

        await using (await RelayProcess.StartAsync($"--Admin:Socket={socket}"))
        {
            Assert.Contains(" Serving", await events.ReadLineAsync());
            await events.SignalAsync("INT");
            var result = await events.EndAsync();
            Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Output));
            Assert.StartsWith("Disconnected from the relay at ", result.Error);
        }
    }

    private static string? Text(JsonDocument json, string name) => json.RootElement.GetProperty(name).GetString();
}
