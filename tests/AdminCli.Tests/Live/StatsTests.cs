using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class StatsTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    private readonly RelayProcess _relay = fixture.Relay;

    [Fact]
    public async Task Stats_OfALiveRelay_ShowsEachRow()
    {
        var result = await _relay.Cli.RunAsync("stats");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.All((string[])["clients", "refused", "sockets", "pairing", "traffic", "peers", "process", "ledger", "relay"], label =>
            Assert.Contains(result.OutputLines, line => line.StartsWith(label, StringComparison.Ordinal)));
        Assert.Matches(@"^clients +\d+ of [\d,]+ \(\d+%\)   peak \d+   from \d+ address(es)?   [\d,]+ per address \(IPv6 /\d+\)   revision 1$", result.OutputLines[0]);
        Assert.Matches(@"process +RSS \d+ MiB   heap [\d.]+ [KM]iB   open files \d+ of [\d,]+   CPU (\d+m)?\d+s   threads \d+   gen2 \d+", result.Output);
        Assert.Matches(@"ledger +mismatch 0   \d+ checks, 0 mismatches", result.Output);
        Assert.Matches(@"relay +ready   up (\d+m)?\d+s   version \d+\.\d+\.\d+\S*   ed25519:[A-Za-z0-9_-]{43}\n", result.Output);
        Assert.DoesNotContain('\e', result.Output);
    }

    [Fact]
    public async Task Stats_AsJson_HasEveryFieldAndNumbersAsNumbers()
    {
        var result = await _relay.Cli.RunAsync("stats", "-o", "json");
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal(JsonValueKind.Number, json.RootElement.GetProperty("connections").GetProperty("current").ValueKind);
        Assert.Equal(JsonValueKind.Number, json.RootElement.GetProperty("limits").GetProperty("perIp").ValueKind);
        Assert.Equal(0, json.RootElement.GetProperty("refused").GetProperty("stopping").GetInt64());
        Assert.Equal(0, json.RootElement.GetProperty("ledger").GetProperty("drift").GetInt64());
        Assert.Matches(@"^[\d.]+s$", json.RootElement.GetProperty("uptime").GetString());
        Assert.Equal("ready", json.RootElement.GetProperty("state").GetString());
    }

    [Fact]
    public async Task Stats_ClientsConnected_CountsThem()
    {
        await using var relay = await RelayProcess.StartAsync();
        Assert.True(await relay.ConnectAsync("127.0.0.1"));
        Assert.True(await relay.ConnectAsync("127.0.0.2"));
        Assert.True(await relay.ConnectAsync("127.0.0.2"));
        var result = await relay.Cli.RunAsync("stats");
        Assert.Matches(@"^clients +3 of [\d,]+ \(0%\)   peak 3   from 2 addresses ", result.OutputLines[0]);
    }

    [Fact]
    public async Task Watch_OnATerminal_RedrawsInPlaceAndLeavesItInOrder()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "SKIPPED: util-linux `script` is needed for a terminal.");
        using var terminal = ChildProcess.Start("/usr/bin/script", ["-qefc", "stty cols 200 rows 40; exec relayctl stats --watch --interval 100ms", "/dev/null"], ("RELAY_ADMIN", _relay.Socket), ("TERM", "xterm"));
        var seen = await ReadUntilAsync(terminal, "admitted", 3);
        await terminal.Input.WriteAsync('\x03');
        await terminal.Input.FlushAsync(TestContext.Current.CancellationToken);
        var result = await terminal.EndAsync();
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.StartsWith("\e[?1049h\e[?25l\e[?7l\e[H", seen);
        // The cursor is back and the last frame stays on the first screen.
        var (left, last) = (seen + result.Output).Split("\e[?7h\e[?25h\e[?1049l") is [var before, var after] ? (before, after) : ("", "");
        Assert.True(left.Split("\e[H").Length > 3);
        Assert.Contains("clients", last);
        Assert.DoesNotContain("\e[?1h", seen + result.Output);
        Assert.Contains("\e[1m", seen);
    }

    [Theory]
    [InlineData("xterm", "1")]
    [InlineData("dumb", "")]
    public async Task Stats_OnATerminalWithoutColour_HasNone(string term, string noColor)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "SKIPPED: util-linux `script` is needed for a terminal.");
        var result = await ChildProcess.RunAsync("/usr/bin/script", ["-qec", "stty cols 200 rows 40; relayctl stats", "/dev/null"], ("RELAY_ADMIN", _relay.Socket), ("TERM", term), ("NO_COLOR", noColor));
        Assert.Contains("clients", result.Output);
        Assert.DoesNotContain('\e', result.Output);
    }

    [Fact]
    public async Task Watch_IntoAPipe_PrintsLinesWithRates()
    {
        var result = await ChildProcess.BashAsync("relayctl stats --watch --interval 100ms | head -3; echo ${PIPESTATUS[@]}", ("RELAY_ADMIN", _relay.Socket));
        Assert.Equal("", result.Error);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ state=ready clients=\d+/\d+ addresses=\d+ admitted=- refused=- ", result.OutputLines[0]);
        Assert.Matches(@" admitted=0\.0/s refused=0\.0/s in=0\.0/s out=0\.0/s bytes-in=0B/s bytes-out=0B/s ", result.OutputLines[1]);
        Assert.Equal(4, result.OutputLines.Length);
        Assert.Equal("0 0", result.OutputLines[3]);
    }

    [Fact]
    public async Task Watch_IntoHead_EndsQuietly()
    {
        var result = await ChildProcess.BashAsync("relayctl stats --watch --interval 100ms | head -1; echo ${PIPESTATUS[@]}", ("RELAY_ADMIN", _relay.Socket));
        Assert.Equal("", result.Error);
        Assert.Equal(2, result.OutputLines.Length);
        Assert.Equal("0 0", result.OutputLines[1]);
    }

    [Fact]
    public async Task Watch_AsJson_PrintsOneObjectALine()
    {
        var result = await ChildProcess.BashAsync("relayctl stats --watch --interval 100ms -o json | head -3", ("RELAY_ADMIN", _relay.Socket));
        Assert.Equal(3, result.OutputLines.Length);
        Assert.All(result.OutputLines, line =>
        {
            using var json = JsonDocument.Parse(line);
            Assert.Equal("ready", json.RootElement.GetProperty("state").GetString());
        });
    }

    [Fact]
    public async Task Watch_LongInterval_ShowsTheFirstSnapshotAtOnceAndEndsWithZeroOnCtrlC()
    {
        using var relayctl = ChildProcess.Start(ChildProcess.Relayctl, ["stats", "--watch", "--interval", "1h"], ("RELAY_ADMIN", _relay.Socket));
        Assert.Contains(" state=ready ", await relayctl.ReadLineAsync());
        await relayctl.SignalAsync("INT");
        var result = await relayctl.EndAsync();
        Assert.Equal((ExitCodes.Ok, "", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public async Task Watch_RelayRestarts_SaysForHowLongItIsGoneAndGoesOn()
    {
        using var folder = new TempFolder();
        var socket = folder["admin.sock"];
        using var relayctl = await WatchAsync("stats", "--watch", "--interval", "100ms");
        Assert.Matches("^[0-9TZ:-]+ state=disconnected for=0s$", await SkipToAsync("disconnected"));
        await using (await RelayProcess.StartAsync($"--Admin:Socket={socket}"))
        {
            // A rate across the restart would be wrong.
            Assert.Contains(" admitted=- ", await SkipToAsync("state=ready"));
            await relayctl.SignalAsync("INT");
            Assert.Equal(ExitCodes.Ok, (await relayctl.EndAsync()).ExitCode);
        }

        async Task<ChildProcess> WatchAsync(params string[] args)
        {
            await using var relay = await RelayProcess.StartAsync($"--Admin:Socket={socket}");
            var watch = ChildProcess.Start(ChildProcess.Relayctl, args, ("RELAY_ADMIN", socket));
            Assert.Contains(" state=ready ", await watch.ReadLineAsync());
            await relay.KillAsync();
            return watch;
        }

        async Task<string> SkipToAsync(string word)
        {
            while (true)
            {
                var line = await relayctl.ReadLineAsync() ?? throw new InvalidOperationException("it ended");
                if (line.Contains(word, StringComparison.Ordinal))
                {
                    return line;
                }
            }
        }
    }

    [Fact]
    public async Task Watch_RelayIsKilledAndExitOnLoss_SaysThatItIsLost()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var relayctl = ChildProcess.Start(ChildProcess.Relayctl, ["stats", "--watch", "--exit-on-loss"], ("RELAY_ADMIN", relay.Socket));
        Assert.Contains(" state=ready ", await relayctl.ReadLineAsync());
        await relay.KillAsync();
        var result = await relayctl.EndAsync();
        Assert.Equal((ExitCodes.Unreachable, $"Lost the connection to the relay at unix:{relay.Socket}.\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Watch_RelayStopsAndExitOnLoss_EndsWithASentence()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var relayctl = ChildProcess.Start(ChildProcess.Relayctl, ["stats", "--watch", "--exit-on-loss"], ("RELAY_ADMIN", relay.Socket));
        Assert.Contains(" state=ready ", await relayctl.ReadLineAsync());
        await relay.TerminateAsync();
        var result = await relayctl.EndAsync();
        Assert.Equal((ExitCodes.Rejected, "The relay is unavailable: the relay is stopping\nTry again later.\n"), (result.ExitCode, result.Error));
    }

    private static async Task<string> ReadUntilAsync(ChildProcess process, string word, int times)
    {
        var seen = "";
        while (seen.Split(word).Length <= times)
        {
            seen += $"{await process.ReadLineAsync() ?? throw new InvalidOperationException(seen)}\n";
        }

        return seen;
    }
}
