using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class AuditCommandTests
{
    [Fact]
    public async Task Audit_Changes_AreShownOldestFirstWithWhatIsDifferent()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=20");
        Assert.Equal("No entries.\n", (await relay.Cli.RunAsync("audit")).Output);
        await relay.Cli.RunAsync("set-limit", "--per-ip", "50", "--reason", "a conference");
        await relay.Cli.RunAsync("set-limit", "--per-ip", "10", "--expect-revision", "7");
        var made = await relay.Cli.RunLineAsync("token create --name ci --role read");

        var lines = (await relay.Cli.RunAsync("audit")).OutputLines;
        Assert.Equal(5, lines.Length);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ #1 uid=\d+(\(\w+\))? gid=\d+ pid=\d+  ChangePolicy set=\{per_ip=50\}.*  ok  \(a conference\)$", lines[0]);
        Assert.Equal("    per-ip=20 -> per-ip=50", lines[1]);
        Assert.Contains("  ABORTED: Revision conflict: expected 7, current is ", lines[2]);
        Assert.Contains(" CreateToken name=ci role=", lines[3]);
        Assert.Matches(@"^    - -> token ci \([0-9a-f]{8}\) role=read expires=", lines[4]);
        Assert.DoesNotContain(made.Output.Trim(), string.Join('\n', lines));

        Assert.Equal(2, (await relay.Cli.RunLineAsync("audit --last 1")).OutputLines.Length);
        Assert.Equal(3, (await relay.Cli.RunLineAsync("audit --method change-policy --since 1h")).OutputLines.Length);
        Assert.Equal("No entries.\n", (await relay.Cli.RunLineAsync("audit --who nobody-else")).Output);
    }

    [Fact]
    public async Task Audit_AsJson_IsTheResponseNewestFirst()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.Cli.RunLineAsync("set-limit --per-ip 5");
        await relay.Cli.RunLineAsync("set-limit --per-ip 6");
        using var json = JsonDocument.Parse((await relay.Cli.RunLineAsync("audit -o json")).Output);
        Assert.Equal([2, 1], json.RootElement.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("sequence").GetInt64()));
        Assert.Equal(0, json.RootElement.GetProperty("damagedLines").GetInt32());
        Assert.False(json.RootElement.TryGetProperty("nextPageToken", out _));
    }

    [Fact]
    public async Task Audit_ManyEntries_AllAreFetchedPageByPage()
    {
        await using var relay = await RelayProcess.StartAsync("--Audit:MaxBytes=65536", "--Audit:KeepFiles=100");
        // Written as relayd writes them: more than a page of them, over several files.
        await relay.Cli.RunLineAsync("set-limit --per-ip 5");
        var file = Path.Combine(Path.GetDirectoryName(relay.Socket)!, "audit.jsonl");
        var line = (await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken))[0];
        await File.WriteAllLinesAsync(file, [Numbered(1501)], TestContext.Current.CancellationToken);
        await File.WriteAllLinesAsync(file + ".1", Enumerable.Range(751, 750).Select(Numbered), TestContext.Current.CancellationToken);
        await File.WriteAllLinesAsync(file + ".2", Enumerable.Range(1, 750).Select(Numbered), TestContext.Current.CancellationToken);
        var result = await relay.Cli.RunLineAsync("audit --last 0 --method ChangePolicy");
        Assert.Equal(1501, result.OutputLines.Count(text => text.Contains(" #", StringComparison.Ordinal)));
        Assert.Equal(1250, (await relay.Cli.RunLineAsync("audit --last 1250")).OutputLines.Count(text => text.Contains(" #", StringComparison.Ordinal)));

        string Numbered(int sequence) => line.Replace("\"sequence\":1,", $"\"sequence\":{sequence},", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audit_DamagedLine_IsSkippedAndSaid()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.Cli.RunLineAsync("set-limit --per-ip 5");
        await File.AppendAllTextAsync(Path.Combine(Path.GetDirectoryName(relay.Socket)!, "audit.jsonl"), "{\"sequence\":2,\"ti", TestContext.Current.CancellationToken);
        await relay.Cli.RunLineAsync("set-limit --per-ip 6");
        var result = await relay.Cli.RunAsync("audit");
        Assert.Equal(4, result.OutputLines.Length);
        Assert.Equal((ExitCodes.Ok, "warning: 1 damaged line skipped; a crash while writing leaves one\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Audit_Followed_ShowsEachNewEntryOnceAndEndsWithZeroOnCtrlC()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.Cli.RunLineAsync("set-limit --per-ip 5");
        using var follower = ChildProcess.Start(ChildProcess.Relayctl, ["audit", "--follow"], ("RELAY_ADMIN", relay.Socket));
        Assert.Contains("#1 ", await follower.ReadLineAsync());
        Assert.Contains(" -> ", await follower.ReadLineAsync());
        await relay.Cli.RunLineAsync("set-limit --per-ip 6");
        Assert.Contains("#2 ", await follower.ReadLineAsync());
        Assert.Contains(" -> ", await follower.ReadLineAsync());
        await relay.Cli.RunLineAsync("set-limit --per-ip 7");
        Assert.Contains("#3 ", await follower.ReadLineAsync());
        await follower.SignalAsync("INT");
        var result = await follower.EndAsync();
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Audit_SwitchedOff_SaysSo()
    {
        await using var relay = await RelayProcess.StartAsync("--Audit:File=");
        var result = await relay.Cli.RunAsync("audit");
        Assert.Equal(ExitCodes.Rejected, result.ExitCode);
        Assert.Contains("the relay keeps no audit file; Audit:File is empty", result.Error);
    }
}
