using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

/// <summary>Lists that are shown again and again.</summary>
public sealed class ListWatchTests
{
    [Fact]
    public async Task Watch_RelayRestarts_SaysForHowLongItWasGoneAndGoesOn()
    {
        using var folder = new TempFolder();
        var socket = folder["admin.sock"];
        var first = await RelayProcess.StartAsync($"--Admin:Socket={socket}");
        using var watch = Start(socket, "connections", "--watch", "--interval", "100ms", "-o", "csv");
        await using (first)
        {
            Assert.StartsWith("observedAt,id,address,", await watch.ReadLineAsync());
            await first.EnterAsync("127.0.0.1");
            Assert.Matches(@"^\d{4}-\d\d-\d\dT[\d:.]+Z,1,127\.0\.0\.1,", await watch.ReadLineAsync());
            await first.KillAsync();
        }

        await using (var second = await RelayProcess.StartAsync($"--Admin:Socket={socket}"))
        {
            await second.EnterAsync("127.0.0.2");
            await SkipToAsync(watch, ",127.0.0.2,");
            await watch.SignalAsync("INT");
            var result = await watch.EndAsync();
            Assert.Equal(ExitCodes.Ok, result.ExitCode);
            Assert.DoesNotContain("observedAt", result.Output);
            Assert.Matches($@"^Disconnected from the relay at unix:{socket}, reconnecting\.\nReconnected; was disconnected for (\d+m)?\d+s\.\n$", result.Error);
        }
    }

    [Fact]
    public async Task Watch_OnATerminal_RedrawsInPlaceAndSaysThatTheRelayIsGone()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "SKIPPED: util-linux `script` is needed for a terminal.");
        await using var relay = await RelayProcess.StartAsync();
        using var terminal = ChildProcess.Start(
            "/usr/bin/script", ["-qefc", "stty cols 200 rows 40; exec relayctl bans --watch --interval 100ms", "/dev/null"], ("RELAY_ADMIN", relay.Socket), ("TERM", "xterm"));
        Assert.StartsWith("\e[?1049h\e[?25l\e[?7l\e[H", await terminal.ReadLineAsync());
        await SkipToAsync(terminal, "No bans.");
        await relay.Cli.RunLineAsync("ban 203.0.113.7");
        await SkipToAsync(terminal, "203.0.113.7");
        await relay.KillAsync();
        await SkipToAsync(terminal, "DISCONNECTED ");
        await terminal.Input.WriteAsync('\x03');
        await terminal.Input.FlushAsync(TestContext.Current.CancellationToken);
        var result = await terminal.EndAsync();
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Contains("\e[?7h\e[?25h\e[?1049l", result.Output);
    }

    /// <summary>Remarks on standard error come once and not with every list.</summary>
    [Fact]
    public async Task Watch_IntoAPipe_PrintsEachListWithItsTime()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.EnterAsync("127.0.0.1");
        await relay.EnterAsync("127.0.0.2");
        using var text = Start(relay.Socket, "ips", "--watch", "--interval", "100ms", "--top", "1");
        for (var round = 0; round < 3; round++)
        {
            Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", await text.ReadLineAsync());
            Assert.StartsWith("ADDRESS ", await text.ReadLineAsync());
            Assert.StartsWith("127.0.0.", await text.ReadLineAsync());
            Assert.Equal("", await text.ReadLineAsync());
        }

        await text.SignalAsync("INT");
        Assert.Equal((ExitCodes.Ok, "1 of 2 addresses; --all shows all.\n"), (await text.EndAsync()) is var end ? (end.ExitCode, end.Error) : default);

        using var lines = Start(relay.Socket, "ips", "--watch", "--interval", "100ms", "-o", "json");
        for (var round = 0; round < 2; round++)
        {
            using var json = JsonDocument.Parse((await lines.ReadLineAsync())!);
            Assert.Equal(2, json.RootElement.GetProperty("totalSize").GetInt64());
            Assert.Equal(JsonValueKind.String, json.RootElement.GetProperty("observedAt").ValueKind);
        }

        await lines.SignalAsync("INT");
        Assert.Equal(ExitCodes.Ok, (await lines.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Watch_RelayIsKilledAndExitOnLoss_Ends()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var watch = Start(relay.Socket, "cluster", "--watch", "--exit-on-loss", "-o", "json");
        Assert.Contains("\"nodes\"", await watch.ReadLineAsync());
        await relay.KillAsync();
        Assert.Equal(ExitCodes.Unreachable, (await watch.EndAsync()).ExitCode);
    }

    [Theory]
    [InlineData("bans --interval 5s", "--interval requires --watch.")]
    [InlineData("peers --exit-on-loss", "--exit-on-loss requires --watch.")]
    [InlineData("events --exit-on-loss", "--exit-on-loss requires --follow.")]
    [InlineData("audit --exit-on-loss", "--exit-on-loss requires --follow.")]
    [InlineData("ips --watch --cluster --interval 200ms", "--interval is at least 1s with --cluster.")]
    public async Task Watch_WrongOptions_AreUsageErrors(string line, string says)
    {
        var result = await Cli.For("/nowhere").RunLineAsync(line);
        Assert.Equal((ExitCodes.Usage, says), (result.ExitCode, result.ErrorLines[0]));
    }

    private static ChildProcess Start(string socket, params string[] arguments) => ChildProcess.Start(ChildProcess.Relayctl, [.. arguments, "--timeout", "1m"], ("RELAY_ADMIN", socket));

    private static async Task<string> SkipToAsync(ChildProcess process, string word)
    {
        while (true)
        {
            var line = await process.ReadLineAsync() ?? throw new InvalidOperationException("it ended");
            if (line.Contains(word, StringComparison.Ordinal))
            {
                return line;
            }
        }
    }
}
