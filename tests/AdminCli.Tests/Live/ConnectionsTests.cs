using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class ConnectionsTests
{
    [Fact]
    public async Task Connections_None_IsASentenceInATableAndAnEmptyListInJson()
    {
        await using var relay = await RelayProcess.StartAsync();
        var table = await relay.Cli.RunAsync("connections");
        Assert.Equal((ExitCodes.Ok, "No client socket matches.\n", ""), (table.ExitCode, table.Output, table.Error));
        var json = await relay.Cli.RunLineAsync("connections -o json");
        Assert.Equal("""{"connections":[],"totalSize":0,"missing":[],"truncated":false}""", string.Concat(json.Output.Where(c => !char.IsWhiteSpace(c))));
    }

    [Fact]
    public async Task Connections_Several_AreListedSortedAndFiltered()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.EnterAsync("127.0.0.1");
        var coded = await relay.EnterAsync("127.0.0.2");
        await coded.AskAsync($$"""{"type":"register","pairingCode":"ABC234","publicKey":"{{Convert.ToBase64String(new byte[32])}}"}""", "registered");
        var peer = await relay.EnterAsync("127.0.1.3");
        await peer.AskAsync("""{"type":"register","peerId":"edge-7"}""", "registered");
        await peer.AskAsync("""{"type":"ping"}""", "pong");

        var result = await relay.Cli.RunLineAsync("connections -o wide");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"^ID +ADDRESS +KEY +AGE +IDLE +KIND +MSG_IN +MSG_OUT +BYTES_IN +BYTES_OUT +QUEUED +BYTES_QUEUED$", result.OutputLines[0]);
        Assert.Matches(@"^ *1 +127\.0\.0\.1 +- +(\d+m)?\d+s +(\d+m)?\d+s +unregistered +0 +\d+ +0B +\d+B +0 +0B$", result.OutputLines[1]);
        Assert.Matches(@"^ *2 +127\.0\.0\.2 +- +(\d+m)?\d+s +(\d+m)?\d+s +code +1 +\d+ +\d+B +\d+B +0 +0B$", result.OutputLines[2]);
        Assert.Matches(@"^ *3 +127\.0\.1\.3 +- +(\d+m)?\d+s +(\d+m)?\d+s +peer +2 +\d+ +\d+B +\d+B +0 +0B$", result.OutputLines[3]);
        Assert.Equal(4, result.OutputLines.Length);
        Assert.DoesNotContain("ABC234", result.Output);
        Assert.DoesNotContain("edge-7", result.Output);

        Assert.Equal("1 2 3", await IdsAsync(""));
        Assert.Equal("1 2 3", await IdsAsync("--sort idle"));
        Assert.Equal("3 2 1", await IdsAsync("--sort messages"));
        Assert.EndsWith(" 1", await IdsAsync("--sort bytes"), StringComparison.Ordinal);
        Assert.Equal(5, (await IdsAsync("--sort queue")).Length);
        Assert.Equal("1", await IdsAsync("--kind unregistered"));
        Assert.Equal("2", await IdsAsync("--kind code"));
        Assert.Equal("3", await IdsAsync("--kind peer"));
        Assert.Equal("1 2", await IdsAsync("--cidr 127.0.0.0/24"));
        Assert.Empty(await IdsAsync("--cidr 127.0.0.0/24 --kind peer"));
        var first = await relay.Cli.RunLineAsync("connections --top 1");
        Assert.Equal((2, "1 of 3 connections; --all shows all.\n"), (first.OutputLines.Length, first.Error));

        async Task<string> IdsAsync(string options)
        {
            var listed = await relay.Cli.RunLineAsync($"connections {options} -o json");
            using var json = JsonDocument.Parse(listed.Output);
            return string.Join(' ', json.RootElement.GetProperty("connections").EnumerateArray().Select(row => row.GetProperty("id").GetInt64()));
        }
    }
}

/// <summary>More than one page of them, and of a relay that many tests look at.</summary>
public sealed class ManyConnectionsTests(CrowdedRelay crowd) : IClassFixture<CrowdedRelay>
{
    [Theory]
    [InlineData("", 20)]
    [InlineData("--top 1001", 1001)]
    [InlineData("--all", CrowdedRelay.Addresses + 2)]
    [InlineData("--top 0 --sort idle", CrowdedRelay.Addresses + 2)]
    [InlineData("--all --cidr 127.1.0.1", 3)]
    public async Task Connections_SoManyRows_AreAllDifferent(string options, int expected)
    {
        var result = await crowd.Relay.Cli.RunLineAsync($"connections {options}");
        Assert.Equal(expected, result.OutputLines.Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]).Distinct().Count());
        Assert.Equal(expected + 1, result.OutputLines.Length);
    }
}
