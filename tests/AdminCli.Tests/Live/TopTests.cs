using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

/// <summary>top on a real terminal against a real relay.</summary>
public sealed class TopTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    private const string Left = "\e[m\e[?7h\e[?25h\e[?1049l";

    private readonly RelayProcess _relay = fixture.Relay;

    [Theory]
    [InlineData("q")]
    [InlineData("\x03")]
    public async Task Top_QuitKey_EndsWithZeroAndTheTerminalAsItWas(string key)
    {
        using var terminal = Start(_relay);
        var before = await ModeAsync(terminal);
        var seen = await terminal.ReadUntilAsync("b ban");
        Assert.Contains("\e[?1049h\e[?25l\e[?7l", seen);
        // To clear the rest of a line after all 80 columns of it takes the last one away.
        Assert.Matches(@"\e\[1;1H\e\[Krelay ready.{49}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\e\[2;1H", seen);
        await terminal.TypeAsync(key);
        await AssertLeftAsync(terminal, before, ExitCodes.Ok);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("HUP")]
    [InlineData("INT")]
    [InlineData("QUIT")]
    public async Task Top_Signal_EndsWithZeroAndTheTerminalAsItWas(string signal)
    {
        using var terminal = Start(_relay);
        var before = await ModeAsync(terminal);
        await terminal.ReadUntilAsync("pid=");
        var id = (await terminal.ReadUntilAsync("\n")).Trim();
        await terminal.ReadUntilAsync("b ban");
        var sent = await ChildProcess.RunAsync("/bin/kill", ["-s", signal, id]);
        Assert.Equal(0, sent.ExitCode);
        await AssertLeftAsync(terminal, before, ExitCodes.Ok);
    }

    [Fact]
    public async Task Top_RelayRestarts_SaysSoAndGoesOn()
    {
        using var folder = new TempFolder();
        var option = $"--Admin:Socket={folder["admin.sock"]}";
        var first = await RelayProcess.StartAsync(option);
        using var terminal = Start(folder["admin.sock"]);
        await terminal.ReadUntilAsync("b ban");
        await first.KillAsync();
        await first.DisposeAsync();
        await terminal.ReadUntilAsync("relay DISCONNECTED ");
        await using var second = await RelayProcess.StartAsync(option);
        await terminal.ReadUntilAsync("relay ready ");
        await terminal.TypeAsync("q");
        Assert.Contains("code=0", (await terminal.EndAsync()).Output);
    }

    [Fact]
    public async Task Top_RelayIsKilledAndExitOnLoss_LeavesTheTerminalAndSaysThatItIsLost()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var terminal = Start(relay.Socket, "--exit-on-loss");
        var before = await ModeAsync(terminal);
        await terminal.ReadUntilAsync("b ban");
        await relay.KillAsync();
        var seen = await AssertLeftAsync(terminal, before, ExitCodes.Unreachable);
        Assert.Contains("Lost the connection to the relay at ", seen);
    }

    [Fact]
    public async Task Top_Kick_AsksFirstAndDoesNothingWithoutTheYes()
    {
        await using var relay = await RelayProcess.StartAsync();
        Assert.True(await relay.ConnectAsync("127.1.0.7"));
        using var terminal = Start(relay);
        await terminal.ReadUntilAsync(">127.1.0.7 ");
        // In one breath with the key that asks, a yes is none.
        await terminal.TypeAsync("xy");
        await terminal.ReadUntilAsync("Disconnect 1 socket of 127.1.0.7? y/N");
        await terminal.TypeAsync("n");
        await terminal.ReadUntilAsync("Cancelled.");
        Assert.Matches("^clients +1 of ", (await relay.Cli.RunAsync("stats")).Output);
        await terminal.TypeAsync("x");
        await terminal.ReadUntilAsync("y/N");
        await terminal.TypeAsync("y");
        await terminal.ReadUntilAsync("Closing 1 socket of 127.1.0.7 at this relay.");
        await terminal.TypeAsync("q");
        Assert.Contains("code=0", (await terminal.EndAsync()).Output);
    }

    [Fact]
    public async Task Top_Ban_RefusesFromThenOnAndLeavesWhoIsIn()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:TrustedProxies=127.0.0.1", "--Admission:RejectionMode=HttpStatus");
        Assert.True(await relay.ConnectForwardedAsync("203.0.113.7"));
        using var terminal = Start(relay);
        await terminal.ReadUntilAsync(">203.0.113.7 ");
        await terminal.TypeAsync("b\r");
        await terminal.ReadUntilAsync("Ban 203.0.113.7 for 1h? Its 1 socket stays connected. y/N");
        await terminal.TypeAsync("y");
        await terminal.ReadUntilAsync("Banned 203.0.113.7 until ");

        Assert.Matches(@"\n203\.0\.113\.7 +(1h|59m(\d+s)?) +manual +relayctl top\n", (await relay.Cli.RunAsync("bans")).Output);
        Assert.False(await relay.ConnectForwardedAsync("203.0.113.7"));
        Assert.True(await relay.ConnectForwardedAsync("203.0.113.8"));
        Assert.Matches("^clients +2 of ", (await relay.Cli.RunAsync("stats")).Output);
        await terminal.TypeAsync("q");
        Assert.Contains("code=0", (await terminal.EndAsync()).Output);
    }

    [Fact]
    public async Task Top_RelayRefuses_ShowsItsSentenceAndGoesOn()
    {
        await using var relay = await RelayProcess.StartAsync();
        Assert.True(await relay.ConnectAsync("127.1.0.7"));
        using var terminal = Start(relay);
        await terminal.ReadUntilAsync(">127.1.0.7 ");
        await terminal.TypeAsync("b\r");
        await terminal.ReadUntilAsync("Ban 127.1.0.7 for 1h?");
        await terminal.TypeAsync("y");
        await terminal.ReadUntilAsync("127.1.0.7 is protected");
        Assert.Equal("No bans.\n", (await relay.Cli.RunAsync("bans")).Output);
        await terminal.TypeAsync("/everybody\r");
        await terminal.ReadUntilAsync("cidr: ");
        await terminal.TypeAsync("/127.9.0.0/16\r");
        await terminal.ReadUntilAsync("in 127.9.0.0/16");
        await terminal.TypeAsync("q");
        Assert.Contains("code=0", (await terminal.EndAsync()).Output);
    }

    [Fact]
    public async Task Once_IntoAPipe_IsOneScreenOfPlainTextWithRates()
    {
        await using var relay = await RelayProcess.StartAsync();
        Assert.True(await relay.ConnectAsync("127.1.0.7"));
        var result = await relay.Cli.RunLineAsync("top --once --interval 100ms");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.DoesNotContain(result.Output, c => char.IsControl(c) && c != '\n');
        Assert.True(result.OutputLines.Length <= 24);
        Assert.All(result.OutputLines, line => Assert.True(line.Length <= 80, line));
        Assert.Contains(result.OutputLines, line => line.StartsWith("clients ", StringComparison.Ordinal) && line.Contains("   +0.0/s   ", StringComparison.Ordinal));
        Assert.Contains(result.OutputLines, line => line.StartsWith(" 127.1.0.7 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Once_AsJson_IsOneObjectWithRates()
    {
        using var json = JsonDocument.Parse((await _relay.Cli.RunLineAsync("top --once --interval 100ms -o json")).Output);
        Assert.Equal(["stats", "rates", "ips", "totalSize"], json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(0, json.RootElement.GetProperty("rates").GetProperty("refused").GetDouble());
        Assert.Equal("ready", json.RootElement.GetProperty("stats").GetProperty("state").GetString());
    }

    private static ChildProcess Start(RelayProcess relay) => Start(relay.Socket);

    private static ChildProcess Start(string socket, string options = "")
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "SKIPPED: util-linux `script` is needed for a terminal.");
        return ChildProcess.Start(
            "/usr/bin/script",
            ["-qefc", $"stty cols 80 rows 24; echo mode=$(stty -g); sh -c 'echo pid=$$; exec relayctl top {options}'; echo code=$?; echo mode=$(stty -g)", "/dev/null"],
            ("RELAY_ADMIN", socket), ("TERM", "xterm"), ("NO_COLOR", "1"), ("LC_ALL", "C.UTF-8"));
    }

    private static async Task<string> ModeAsync(ChildProcess terminal)
    {
        await terminal.ReadUntilAsync("mode=");
        return (await terminal.ReadUntilAsync("\n")).Trim();
    }

    private static async Task<string> AssertLeftAsync(ChildProcess terminal, string mode, int exitCode)
    {
        var seen = await terminal.ReadUntilAsync(Left);
        var after = (await terminal.EndAsync()).Output;
        Assert.DoesNotContain('\e', after);
        Assert.Contains($"code={exitCode}\r\n", after);
        Assert.Contains($"mode={mode}\r\n", after);
        return seen + after;
    }
}
