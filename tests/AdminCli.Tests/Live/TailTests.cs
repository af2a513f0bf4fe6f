using System.Globalization;
using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class TailTests
{
    [Fact]
    public async Task Tail_UntilCtrlC_TellsThePastAndThenThePresent()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=1");
        await relay.OpenAsync("127.0.0.1");
        using var tail = Start(relay);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ admitted 127\.0\.0\.1  per-ip 0/1  /24 0  total 0/[1-9]\d+$", await tail.ReadLineAsync());
        await relay.OpenAsync("127.0.0.1");
        Assert.Matches(@" refused per_ip_limit 127\.0\.0\.1  per-ip 1/1  /24 1  total 1/[1-9]\d+$", await tail.ReadLineAsync());
        await relay.OpenAsync("127.0.0.2");
        Assert.Matches(@" admitted 127\.0\.0\.2 ", await tail.ReadLineAsync());

        await AssertEndsAsync(tail);
    }

    [Fact]
    public async Task Tail_RefusedOfOneNetwork_TellsNothingElse()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=1");
        foreach (var from in new[] { "127.0.1.1", "127.0.1.1", "127.0.2.1", "127.0.2.1", "127.0.1.1" })
        {
            await relay.OpenAsync(from);
        }

        using var tail = Start(relay, "--refused", "--cidr", "127.0.1.0/24");
        Assert.Contains(" per_ip_limit 127.0.1.1 ", await tail.ReadLineAsync());
        Assert.Contains(" per_ip_limit 127.0.1.1 ", await tail.ReadLineAsync());
        await relay.OpenAsync("127.0.2.1");
        await relay.OpenAsync("127.0.1.2");
        await relay.OpenAsync("127.0.1.2");
        Assert.Contains(" per_ip_limit 127.0.1.2 ", await tail.ReadLineAsync());

        await AssertEndsAsync(tail);
    }

    [Theory]
    [InlineData("json")]
    [InlineData("jsonl")]
    public async Task Tail_AsJson_IsOneObjectALine(string format)
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=1");
        await relay.OpenAsync();
        await relay.OpenAsync();
        using var tail = Start(relay, "--last", "1", "-o", format);
        using var first = JsonDocument.Parse((await tail.ReadLineAsync())!);
        Assert.Equal(("per_ip_limit", "127.0.0.1", 1), (Text(first, "outcome"), Text(first, "address"), first.RootElement.GetProperty("connections").GetInt64()));
        await relay.OpenAsync("127.0.0.2");
        using var second = JsonDocument.Parse((await tail.ReadLineAsync())!);
        Assert.Equal(("admitted", "127.0.0.2"), (Text(second, "outcome"), Text(second, "address")));

        await AssertEndsAsync(tail);
    }

    /// <summary>Of a flood only a part is told, and how many were not: together they are all there were.</summary>
    [Fact]
    public async Task Tail_FloodOfOneAddress_TellsAPartAndHowManyItLeftOut()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=1", "--Admission:RejectionMode=HttpStatus");
        await relay.OpenAsync();
        using var tail = Start(relay);
        Assert.Contains(" admitted 127.0.0.1 ", await tail.ReadLineAsync());
        var attempts = 0;
        string last;
        do
        {
            for (var i = 0; i < 20; i++, attempts++)
            {
                await relay.ConnectAsync();
            }

            last = (await relay.Cli.RunLineAsync("explain 127.0.0.1 --last 1")).OutputLines[^1].Trim();
        }
        while (!last.Contains("not shown", StringComparison.Ordinal) && attempts < 20_000);

        var (lines, notShown, line) = (0, 0, "");
        do
        {
            line = (await tail.ReadLineAsync())!;
            Assert.Matches(@" refused per_ip_limit 127\.0\.0\.1  per-ip 1/1  /24 1  total 1/[1-9]\d+(  \([\d,]+ similar not shown\))?$", line);
            lines++;
            notShown += line.Split("  (") is [_, var told] ? int.Parse(told.Split(' ')[0], NumberStyles.AllowThousands, CultureInfo.InvariantCulture) : 0;
        }
        while (line != last);

        Assert.InRange(lines + notShown, attempts - 19, attempts);
        Assert.True(lines >= 10 && notShown > 0);
        await AssertEndsAsync(tail);
    }

    [Fact]
    public async Task Tail_RelayIsKilledAndExitOnLoss_SaysThatItIsLost()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.OpenAsync();
        using var tail = Start(relay, "--exit-on-loss");
        Assert.Contains(" admitted ", await tail.ReadLineAsync());
        await relay.KillAsync();
        var result = await tail.EndAsync();
        Assert.Equal((ExitCodes.Unreachable, $"Lost the connection to the relay at unix:{relay.Socket}.\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Tail_RelayStopsAndExitOnLoss_EndsWithASentence()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.OpenAsync();
        using var tail = Start(relay, "--exit-on-loss");
        Assert.Contains(" admitted ", await tail.ReadLineAsync());
        await relay.TerminateAsync();
        var result = await tail.EndAsync();
        Assert.Equal((ExitCodes.Rejected, "The relay is unavailable: the relay is stopping\nTry again later.\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Tail_RelayRestarts_GoesOnWithWhatItHasDecidedMeanwhile()
    {
        using var folder = new TempFolder();
        var socket = folder["admin.sock"];
        var first = await RelayProcess.StartAsync($"--Admin:Socket={socket}");
        using var tail = ChildProcess.Start(ChildProcess.Relayctl, ["tail", "-o", "csv"], ("RELAY_ADMIN", socket));
        Assert.StartsWith("sequence,time,address,key,outcome,", await tail.ReadLineAsync());
        await using (first)
        {
            await first.OpenAsync("127.0.0.1");
            Assert.Contains(",127.0.0.1,", await tail.ReadLineAsync());
            await first.KillAsync();
        }

        await using (var second = await RelayProcess.StartAsync($"--Admin:Socket={socket}"))
        {
            // Some of these are decided before it has called again.
            await second.OpenAsync("127.0.0.2");
            await second.OpenAsync("127.0.0.3");
            Assert.Contains(",127.0.0.2,", await tail.ReadLineAsync());
            Assert.Contains(",127.0.0.3,", await tail.ReadLineAsync());
            await tail.SignalAsync("INT");
            var result = await tail.EndAsync();
            Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Output));
            Assert.Matches($@"^Disconnected from the relay at unix:{socket}, reconnecting\.\nReconnected; was disconnected for (\d+m)?\d+s\.\n$", result.Error);
        }
    }

    [Fact]
    public async Task Tail_IntoHead_EndsQuietly()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.OpenAsync();
        using var tail = ChildProcess.Start("bash", ["--noprofile", "--norc", "-c", "relayctl tail | head -1; echo ${PIPESTATUS[@]}"], ("RELAY_ADMIN", relay.Socket));
        Assert.Contains(" admitted ", await tail.ReadLineAsync());
        // Whoever writes into a pipe finds out that nobody reads when it writes again.
        await relay.OpenAsync();
        await relay.OpenAsync();
        var result = await tail.EndAsync();
        Assert.Equal(("0 0\n", ""), (result.Output, result.Error));
    }

    private static ChildProcess Start(RelayProcess relay, params string[] options) =>
        ChildProcess.Start(ChildProcess.Relayctl, ["tail", .. options], ("RELAY_ADMIN", relay.Socket));

    private static async Task AssertEndsAsync(ChildProcess tail)
    {
        await tail.SignalAsync("INT");
        var result = await tail.EndAsync();
        Assert.Equal((ExitCodes.Ok, "", ""), (result.ExitCode, result.Output, result.Error));
    }

    private static string? Text(JsonDocument json, string name) => json.RootElement.GetProperty(name).GetString();
}
