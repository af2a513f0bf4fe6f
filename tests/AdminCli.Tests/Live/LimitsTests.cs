using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class LimitsTests
{
    [Fact]
    public async Task SetLimit_BothLimits_PrintsBeforeAndAfterAndHolds()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:Total=1000", "--Admission:PerIp=20");
        var result = await relay.Cli.RunAsync("set-limit", "--total", "2000", "--per-ip", "50", "--reason", "a conference");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.Equal(
            """
            total      1,000 -> 2,000
            per-ip     20 -> 50
            revision   1 -> 2
            current    clients 0   addresses over their limit 0

            """, result.Output);
        var limits = await relay.Cli.RunAsync("limits");
        Assert.Matches(@"^total +2,000 clients( .*)?\nper-ip +50 clients of one address \(IPv6: of one /\d+\)\n", limits.Output);
        Assert.Matches(@"\nrevision +2\n", limits.Output);
    }

    [Fact]
    public async Task SetLimit_OneLimit_LeavesTheOther()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:Total=1000", "--Admission:PerIp=20");
        var result = await relay.Cli.RunLineAsync("set-limit --per-ip 50");
        Assert.Contains("total      1,000 (unchanged)\n", result.Output);
        Assert.Contains("per-ip     20 -> 50\n", result.Output);
    }

    [Fact]
    public async Task SetLimit_TotalBelowPerIp_IsDoneWithAWarning()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:Total=1000", "--Admission:PerIp=20");
        var result = await relay.Cli.RunLineAsync("set-limit --total 10");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Contains("total      1,000 -> 10\n", result.Output);
        Assert.StartsWith("warning: ", result.Error);
        Assert.DoesNotContain("warning", result.Output);
    }

    [Fact]
    public async Task SetLimit_BelowThePresentCount_DisconnectsNobodyAndRefusesTheNext()
    {
        await using var relay = await RelayProcess.StartAsync();
        Assert.True(await relay.ConnectAsync());
        Assert.True(await relay.ConnectAsync());
        var result = await relay.Cli.RunLineAsync("set-limit --per-ip 1");
        Assert.Contains("current    clients 2   addresses over their limit 1\n", result.Output);
        await relay.ConnectAsync();
        Assert.Matches(@"^clients +2 of ", (await relay.Cli.RunAsync("stats")).Output);
    }

    [Fact]
    public async Task SetLimit_ExpectedRevisionInForce_IsDone()
    {
        await using var relay = await RelayProcess.StartAsync();
        var result = await relay.Cli.RunLineAsync("set-limit --per-ip 40 --expect-revision 1");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Contains("revision   1 -> 2\n", result.Output);
    }

    [Fact]
    public async Task SetLimit_StaleRevision_IsRefusedAndSaysHowToGoOn()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.Cli.RunLineAsync("set-limit --per-ip 40");
        var result = await relay.Cli.RunLineAsync("set-limit --per-ip 60 --expect-revision 1");
        Assert.Equal((ExitCodes.Rejected, ""), (result.ExitCode, result.Output));
        Assert.Equal("Revision conflict: expected 1, current is 2.", result.ErrorLines[0]);
        Assert.Equal("Run `relayctl limits` and try again with the revision that it shows.", result.ErrorLines[1]);
        Assert.Matches(@"\nper-ip +40 clients", (await relay.Cli.RunAsync("limits")).Output);
    }

    [Fact]
    public async Task SetLimit_ReasonTooLong_PrintsTheViolationOfTheField()
    {
        await using var relay = await RelayProcess.StartAsync();
        var result = await relay.Cli.RunAsync("set-limit", "--per-ip", "50", "--reason", new string('x', 257));
        Assert.Equal(ExitCodes.Rejected, result.ExitCode);
        Assert.Equal("Request rejected:", result.ErrorLines[0]);
        Assert.StartsWith("  options.reason: ", result.ErrorLines[1]);
    }

    [Fact]
    public async Task SetLimit_AsJson_HasBeforeAfterAndWarnings()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:Total=1000", "--Admission:PerIp=20");
        var result = await relay.Cli.RunLineAsync("set-limit --total 10 -o json");
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal(1000, json.RootElement.GetProperty("before").GetProperty("total").GetInt32());
        Assert.Equal(10, json.RootElement.GetProperty("after").GetProperty("total").GetInt32());
        Assert.Equal(2, json.RootElement.GetProperty("revision").GetInt64());
        Assert.NotEqual(0, json.RootElement.GetProperty("warnings").GetArrayLength());
        Assert.StartsWith("warning: ", result.Error);
    }

    [Fact]
    public async Task Limits_AsJson_IsTheResponse()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:Total=1000", "--Admission:PerIp=20");
        using var json = JsonDocument.Parse((await relay.Cli.RunLineAsync("limits -o json")).Output);
        Assert.Equal(20, json.RootElement.GetProperty("limits").GetProperty("perIp").GetInt32());
        Assert.Equal(1, json.RootElement.GetProperty("revision").GetInt64());
    }

    [Fact]
    public async Task SetLimit_ToWhatItIs_SaysThatNothingChangedAndMakesNoRevision()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:Total=1000", "--Admission:PerIp=20");
        var result = await relay.Cli.RunLineAsync("set-limit --per-ip 20");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.EndsWith("\nNothing changed: everything was as asked for already.\n", result.Output);
        Assert.Matches(@"\nrevision +1 \(unchanged\)\n", result.Output);
    }

    [Fact]
    public async Task SetLimit_AnotherItem_RepeatsNoWarningOfAnEarlierOne()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:Total=1000", "--Admission:PerIp=20");
        Assert.NotEmpty((await relay.Cli.RunLineAsync("set-limit --total 5")).Error);
        Assert.Empty((await relay.Cli.RunLineAsync("overrides set 203.0.113.0/24 200")).Error);
    }

    [Fact]
    public async Task Reset_OfAChangedItem_GoesBackToTheConfiguration()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:Total=1000", "--Admission:PerIp=20");
        await relay.Cli.RunLineAsync("set-limit --per-ip 50 --total 2000");
        Assert.Matches(@"\nchanged +per-ip 50, configured 20   by uid=.* at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, revision 2\n", (await relay.Cli.RunAsync("limits")).Output);
        Assert.Matches(@"^per-ip +50 -> 20\nrevision +2 -> 3\n", (await relay.Cli.RunLineAsync("limits reset per-ip")).Output);
        Assert.Contains("Nothing changed", (await relay.Cli.RunLineAsync("limits reset per-ip")).Output);
        Assert.Contains("2,000 -> 1,000\n", (await relay.Cli.RunLineAsync("limits reset --all")).Output);
        Assert.DoesNotContain("changed  ", (await relay.Cli.RunAsync("limits")).Output);
    }

    [Fact]
    public async Task Changes_WithoutAJournal_WarnThatTheyAreLost()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PolicyFile=");
        const string Warning = "warning: kept in memory only and lost at a restart: Admission:PolicyFile is empty\n";
        Assert.Equal(Warning, (await relay.Cli.RunLineAsync("set-limit --per-ip 5")).Error);
        Assert.Equal(Warning, (await relay.Cli.RunLineAsync("ban 203.0.113.7")).Error);
        Assert.Equal(Warning, (await relay.Cli.RunLineAsync("unban 203.0.113.7")).Error);
        Assert.Matches(@"\nafter restart +values from the configuration: changes are in memory only\n", (await relay.Cli.RunAsync("limits")).Output);
    }
}
