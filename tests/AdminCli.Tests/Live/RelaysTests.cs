using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class RelaysTests
{
    [Fact]
    public async Task Relays_None_IsASentenceInATableAndAnEmptyListInJson()
    {
        await using var relay = await RelayProcess.StartAsync();
        var table = await relay.Cli.RunAsync("relays");
        Assert.Equal((ExitCodes.Ok, "No relays registered.\n", ""), (table.ExitCode, table.Output, table.Error));
        Assert.Equal("No relay matches.\n", (await relay.Cli.RunLineAsync("relays --state busy")).Output);
        var json = await relay.Cli.RunAsync("relays", "-o", "json");
        Assert.Equal("""{"relays":[],"totalSize":0}""", string.Concat(json.Output.Where(c => !char.IsWhiteSpace(c))));
    }

    [Fact]
    public async Task Relays_Several_AreListedFilteredAndCounted()
    {
        await using var relay = await RelayProcess.StartAsync();
        await RegisterAsync(relay, "127.0.0.1", "full", 15);
        await RegisterAsync(relay, "127.0.0.2", "free", 5);
        await RegisterAsync(relay, "127.0.0.2", "idle", 0);

        var result = await relay.Cli.RunAsync("relays");
        Assert.Matches(@"^PEER +ADDRESS +CONNECTED +CAPACITY +LOAD +STATE +REGISTERED +LAST_SEEN$", result.OutputLines[0]);
        Assert.Matches(@"^full +127\.0\.0\.1 +15 +20 +75% +busy +(\d+m)?\d+s +(\d+m)?\d+s$", result.OutputLines[1]);
        Assert.Matches(@"^free +127\.0\.0\.2 +5 +20 +25% +offered ", result.OutputLines[2]);
        Assert.Equal((4, ""), (result.OutputLines.Length, result.Error));

        var top = await relay.Cli.RunLineAsync("relays --top 1");
        Assert.Equal((2, "1 of 3 relays; --all shows all.\n"), (top.OutputLines.Length, top.Error));
        Assert.Equal(["free", "idle"], await PeersAsync("--state offered --all"));
        Assert.Equal(["full"], await PeersAsync("--state busy"));
        Assert.Equal(["idle"], await PeersAsync("--cidr 127.0.0.2 --prefix i"));
        Assert.Equal("idle", (await PeersAsync("--sort recent"))[0]);
        Assert.Matches(@"\nrelays +offered 2 of 3\n", (await relay.Cli.RunAsync("stats")).Output);

        async Task<string[]> PeersAsync(string options)
        {
            var listed = await relay.Cli.RunLineAsync($"relays {options} -o json");
            using var json = JsonDocument.Parse(listed.Output);
            return [.. json.RootElement.GetProperty("relays").EnumerateArray().Select(row => row.GetProperty("peerId").GetString()!)];
        }
    }

    private static async Task RegisterAsync(RelayProcess relay, string from, string peerId, int connected)
    {
        var client = await relay.OpenAsync(from);
        await client.AskAsync($$"""{"type":"register","peerId":"{{peerId}}"}""", "registered");
        await client.AskAsync($$"""{"type":"update_load","peerId":"{{peerId}}","connectedCount":{{connected}}}""", "load_updated");
    }
}
