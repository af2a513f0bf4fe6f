using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class IpsTests(CrowdedRelay crowd) : IClassFixture<CrowdedRelay>
{
    private readonly Cli _cli = crowd.Relay.Cli;

    [Fact]
    public async Task Ips_Default_ShowsTwentyAndSaysThatThereAreMore()
    {
        var result = await _cli.RunAsync("ips");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Matches(@"^ADDRESS +CONNECTIONS +LIMIT +PEAK +ADMITTED +REFUSED +FIRST_SEEN +LAST_SEEN$", result.OutputLines[0]);
        Assert.Matches(@"^127\.1\.0\.1 +3 +[\d,]+ +3 +3 +0 +(\d+m)?\d+s +(\d+m)?\d+s$", result.OutputLines[1]);
        Assert.Equal(21, result.OutputLines.Length);
        Assert.Equal("20 of 1,050 addresses; --all shows all.\n", result.Error);
    }

    [Theory]
    [InlineData("--all")]
    [InlineData("--top 0")]
    [InlineData("--top 5000")]
    public async Task Ips_All_FollowsEveryPage(string option)
    {
        var result = await _cli.RunLineAsync($"ips {option}");
        Assert.Equal(CrowdedRelay.Addresses + 1, result.OutputLines.Length);
        Assert.Equal(CrowdedRelay.Addresses, result.OutputLines.Skip(1).Select(line => line.Split(' ')[0]).Distinct().Count());
        Assert.Empty(result.Error);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1_000)]
    [InlineData(1_001)]
    public async Task Ips_Top_ShowsThatMany(int top)
    {
        var result = await _cli.RunLineAsync($"ips --top {top}");
        Assert.Equal(top + 1, result.OutputLines.Length);
    }

    [Fact]
    public async Task Ips_AsJson_IsOneObjectWithRowsAndTotal()
    {
        var result = await _cli.RunLineAsync("ips --all -o json");
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal(["ips", "totalSize", "missing"], json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(CrowdedRelay.Addresses, json.RootElement.GetProperty("ips").GetArrayLength());
        Assert.Equal(1050, json.RootElement.GetProperty("totalSize").GetInt64());
        Assert.Equal(0, json.RootElement.GetProperty("ips")[0].GetProperty("refused").GetInt64());
    }

    [Theory]
    [InlineData("127.1.4.0/24", 27)]
    [InlineData("127.1.0.1", 1)]
    [InlineData("0.0.0.0/0", 1_050)]
    public async Task Ips_Cidr_ShowsThatNetworkOnly(string cidr, int expected)
    {
        var result = await _cli.RunLineAsync($"ips --all --cidr {cidr}");
        Assert.Equal(expected + 1, result.OutputLines.Length);
    }

    [Fact]
    public async Task Ips_CidrWithoutAnyone_IsASentence()
    {
        var result = await _cli.RunLineAsync("ips --cidr 203.0.113.0/24");
        Assert.Equal((ExitCodes.Ok, "No addresses seen in 203.0.113.0/24.\n", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public async Task Ips_FreshRelay_IsASentenceInATableAndAnEmptyListInJson()
    {
        await using var relay = await RelayProcess.StartAsync();
        var table = await relay.Cli.RunAsync("ips");
        Assert.Equal((ExitCodes.Ok, "No addresses seen yet.\n", ""), (table.ExitCode, table.Output, table.Error));
        var json = await relay.Cli.RunAsync("ips", "-o", "json");
        Assert.Equal("""{"ips":[],"totalSize":0,"missing":[]}""", string.Concat(json.Output.Where(c => !char.IsWhiteSpace(c))));
    }

    [Fact]
    public async Task Ips_SortRefused_PutsTheMostRefusedFirst()
    {
        await using var relay = await RelayProcess.StartAsync();
        Assert.Equal(ExitCodes.Ok, (await relay.Cli.RunLineAsync("set-limit --per-ip 1")).ExitCode);
        Assert.True(await relay.ConnectAsync("127.0.0.1"));
        Assert.True(await relay.ConnectAsync("127.0.0.2"));
        await relay.ConnectAsync("127.0.0.2");
        var result = await relay.Cli.RunLineAsync("ips --sort refused");
        Assert.Matches(@"^127\.0\.0\.2 +1 +1 +1 +1 +1 ", result.OutputLines[1]);
        Assert.Matches(@"^127\.0\.0\.1 +1 +1 +1 +1 +0 ", result.OutputLines[2]);
        Assert.Matches(@"\nrefused +total limit 0   per address 1\b", (await relay.Cli.RunAsync("stats")).Output);
    }

    [Fact]
    public async Task Ips_SortRecent_PutsTheLastSeenFirst()
    {
        await using var relay = await RelayProcess.StartAsync();
        Assert.True(await relay.ConnectAsync("127.0.0.1"));
        Assert.True(await relay.ConnectAsync("127.0.0.2"));
        var result = await relay.Cli.RunLineAsync("ips --sort recent");
        Assert.StartsWith("127.0.0.2 ", result.OutputLines[1]);
    }
}
