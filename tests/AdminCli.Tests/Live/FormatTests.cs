using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

/// <summary>Every command that prints data knows every format.</summary>
public sealed class FormatTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    private readonly RelayProcess _relay = fixture.Relay;

    [Theory]
    [InlineData("bans", "bans")]
    [InlineData("channels", "channels")]
    [InlineData("cluster", "nodes")]
    [InlineData("connections", "connections")]
    [InlineData("federation blocked", "servers")]
    [InlineData("federation members", "members")]
    [InlineData("federation ring", "owners")]
    [InlineData("ips", "ips")]
    [InlineData("limits history", "revisions")]
    [InlineData("overrides", "overrides")]
    [InlineData("peers", "peers")]
    [InlineData("relays", "relays")]
    [InlineData("token list", "tokens")]
    [InlineData("audit", "entries")]
    [InlineData("doctor", "findings")]
    [InlineData("config show", "options")]
    public async Task List_InEachFormat_HasTheSameRows(string command, string field)
    {
        await _relay.EnterAsync("127.0.0.1");
        await _relay.Cli.RunLineAsync("ban 203.0.113.7 --reason =cmd,\"x\"");
        await _relay.Cli.RunLineAsync("overrides set 203.0.113.0/24 200");
        using var json = JsonDocument.Parse((await _relay.Cli.RunLineAsync($"{command} -o json")).Output);
        var rows = json.RootElement.GetProperty(field).GetArrayLength();
        var lines = await _relay.Cli.RunLineAsync($"{command} -o jsonl");
        Assert.Equal(rows, lines.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        var csv = (await _relay.Cli.RunLineAsync($"{command} -o csv")).Output;
        Assert.Equal(rows + 2, csv.Split("\r\n").Length);
        var wide = await _relay.Cli.RunLineAsync($"{command} -o wide");
        Assert.False(wide.Output.StartsWith('{'), wide.Output);
    }

    [Theory]
    [InlineData("stats")]
    [InlineData("limits")]
    [InlineData("verify")]
    [InlineData("health")]
    [InlineData("check")]
    [InlineData("version")]
    [InlineData("explain 203.0.113.9")]
    [InlineData("limits shadow show")]
    [InlineData("federation owner ABCDEF")]
    public async Task Answer_InEachFormat_IsOneObjectOneLineOrOneRow(string command)
    {
        using var json = JsonDocument.Parse((await _relay.Cli.RunLineAsync($"{command} -o json")).Output);
        using var line = JsonDocument.Parse(Assert.Single((await _relay.Cli.RunLineAsync($"{command} -o jsonl")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(json.RootElement.EnumerateObject().Select(field => field.Name), line.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal(3, (await _relay.Cli.RunLineAsync($"{command} -o csv")).Output.Split("\r\n").Length);
    }

    /// <summary>What a change did, for a program.</summary>
    [Theory]
    [InlineData("ban 198.51.100.9 --for 1h", "unban 198.51.100.9")]
    [InlineData("ban 198.51.100.9 --dry-run", "verify")]
    [InlineData("overrides set 198.51.100.0/24 7", "overrides remove 198.51.100.0/24")]
    [InlineData("set-limit --per-ip 60", "limits reset per-ip")]
    public async Task Change_InEachFormat_IsNothingElse(string change, string back)
    {
        using var json = JsonDocument.Parse((await _relay.Cli.RunLineAsync($"{change} -o json")).Output);
        await _relay.Cli.RunLineAsync(back);
        using var line = JsonDocument.Parse(Assert.Single((await _relay.Cli.RunLineAsync($"{change} -o jsonl")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(json.RootElement.EnumerateObject().Select(field => field.Name), line.RootElement.EnumerateObject().Select(field => field.Name));
        await _relay.Cli.RunLineAsync(back);
        Assert.Equal(3, (await _relay.Cli.RunLineAsync($"{change} -o csv")).Output.Split("\r\n").Length);
        await _relay.Cli.RunLineAsync(back);
    }

    [Fact]
    public async Task Top_OnceAsCsv_HasTheAddressesWithTheirRates()
    {
        await _relay.EnterAsync("127.0.0.1");
        var csv = (await _relay.Cli.RunLineAsync("top --once --interval 100ms -o csv")).Output.Split("\r\n");
        Assert.EndsWith(",refusedPerSecond", csv[0]);
        Assert.StartsWith("127.0.0.1,", csv[1]);
    }

    [Fact]
    public async Task Output_OfNoKnownFormat_IsAUsageError()
    {
        var result = await _relay.Cli.RunLineAsync("ips -o xml");
        Assert.Equal((ExitCodes.Usage, "--output must be table, wide, json, jsonl or csv, not 'xml'."), (result.ExitCode, result.ErrorLines[0]));
    }
}
