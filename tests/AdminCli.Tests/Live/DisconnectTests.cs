using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class DisconnectTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    [Fact]
    public async Task Disconnect_EachWayToNameThem_ClosesThoseAlone()
    {
        await using var relay = await RelayProcess.StartAsync();
        var byId = await relay.EnterAsync("127.0.0.1");
        var byAddress = await relay.EnterAsync("127.0.0.2");
        var (first, second) = (await relay.EnterAsync("127.0.1.1"), await relay.EnterAsync("127.0.1.2"));
        var byCode = await relay.EnterAsync("127.0.0.3");
        await byCode.AskAsync($$"""{"type":"register","pairingCode":"ABC234","publicKey":"{{Convert.ToBase64String(new byte[32])}}"}""", "registered");
        var byPeerId = await relay.EnterAsync("127.0.0.4");
        await byPeerId.AskAsync("""{"type":"register","peerId":"edge-7"}""", "registered");
        var stays = await relay.EnterAsync("127.0.0.5");

        Assert.Matches(@"^Closing 1 client socket:\n  1  127\.0\.0\.1  connected (\d+m)?\d+s, idle (\d+m)?\d+s\n$", await SayAsync("--id 1 --close-code 1012"));
        Assert.Matches(@"^Closing 1 client socket:\n  2  127\.0\.0\.2  ", await SayAsync("--cidr 127.0.0.2"));
        Assert.Matches(@"^Closing 2 client sockets:\n  [34]  127\.0\.1\.[12]  .*\n  [34]  127\.0\.1\.[12]  .*\n$", await SayAsync("--cidr 127.0.1.0/24 --reason abuse"));
        Assert.Matches(@"^Closing 1 client socket:\n  5  127\.0\.0\.3  ", await SayAsync("--code ABC234"));
        Assert.Matches(@"^Closing 1 client socket:\n  6  127\.0\.0\.4  ", await SayAsync("--peer-id edge-7 --close-code 4000 --close-reason moved"));

        Assert.Equal((1012, "Disconnected by the operator"), await byId.ClosedAsync());
        Assert.Equal((1008, "Disconnected by the operator"), await byAddress.ClosedAsync());
        Assert.Equal((1008, "Disconnected by the operator"), await first.ClosedAsync());
        Assert.Equal((1008, "Disconnected by the operator"), await second.ClosedAsync());
        Assert.Equal((1008, "Disconnected by the operator"), await byCode.ClosedAsync());
        Assert.Equal((4000, "moved"), await byPeerId.ClosedAsync());
        await stays.AskAsync("""{"type":"ping"}""", "pong");
        var audit = await relay.Cli.RunAsync("audit");
        Assert.Matches(@"Disconnect network=127\.0\.1\.0/24  ok  \(abuse\)", audit.Output);
        Assert.DoesNotContain("ABC234", audit.Output);

        async Task<string> SayAsync(string options)
        {
            var result = await relay.Cli.RunLineAsync($"disconnect {options}");
            Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
            return result.Output;
        }
    }

    [Fact]
    public async Task Disconnect_DryRun_SaysWhoAndChangesNothing()
    {
        await using var relay = await RelayProcess.StartAsync();
        var clients = new List<RelayClient>();
        for (var i = 0; i < 23; i++)
        {
            clients.Add(await relay.EnterAsync($"127.0.0.{i + 1}"));
        }

        var result = await relay.Cli.RunLineAsync("disconnect --cidr 127.0.0.0/8 --dry-run");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.Equal("23 client sockets would be closed. Dry run: nothing was changed.", result.OutputLines[0]);
        Assert.Equal("  and 3 more", result.OutputLines[^1]);
        Assert.Equal(22, result.OutputLines.Length);
        var one = await relay.Cli.RunLineAsync("disconnect --id 1 --dry-run -o json");
        using var json = JsonDocument.Parse(one.Output);
        Assert.Equal((1, "127.0.0.1"), (json.RootElement.GetProperty("connections").GetInt64(), json.RootElement.GetProperty("sample")[0].GetProperty("address").GetString()));
        foreach (var client in clients)
        {
            await client.AskAsync("""{"type":"ping"}""", "pong");
        }
    }

    [Theory]
    [InlineData("--id 4711")]
    [InlineData("--cidr 203.0.113.0/24")]
    [InlineData("--code NBDY22")]
    [InlineData("--peer-id nobody")]
    [InlineData("--peer-id nobody --dry-run")]
    public async Task Disconnect_NobodyMatches_SaysSo(string options)
    {
        var client = await fixture.Relay.OpenAsync();
        var result = await fixture.Relay.Cli.RunLineAsync($"disconnect {options}");
        Assert.Equal((ExitCodes.Rejected, "No client socket matches.\n", ""), (result.ExitCode, result.Output, result.Error));
        await client.AskAsync("""{"type":"ping"}""", "pong");
    }

    /// <summary>What is given narrows down what is closed; nobody has been here for an hour.</summary>
    [Fact]
    public async Task Disconnect_IdleAndKind_ClosesThoseAlone()
    {
        await using var relay = await RelayProcess.StartAsync();
        var unregistered = await relay.EnterAsync("127.0.0.1");
        var coded = await relay.EnterAsync("127.0.0.2");
        await coded.AskAsync($$"""{"type":"register","pairingCode":"ABC234","publicKey":"{{Convert.ToBase64String(new byte[32])}}"}""", "registered");

        Assert.Equal("No client socket matches.\n", (await relay.Cli.RunLineAsync("disconnect --idle 1h --kind unregistered")).Output);
        Assert.Equal("No client socket matches.\n", (await relay.Cli.RunLineAsync("disconnect --kind unregistered --cidr 127.0.0.2")).Output);
        Assert.Equal("1 client socket would be closed. Dry run: nothing was changed.", (await relay.Cli.RunLineAsync("disconnect --kind unregistered --dry-run")).OutputLines[0]);
        Assert.Equal("Closing 1 client socket:", (await relay.Cli.RunLineAsync("disconnect --kind unregistered")).OutputLines[0]);
        Assert.Equal(1008, (await unregistered.ClosedAsync()).Code);
        await coded.AskAsync("""{"type":"ping"}""", "pong");
        Assert.Contains("Disconnect kind=", (await relay.Cli.RunAsync("audit")).Output);
    }

    [Fact]
    public async Task Disconnect_Hundreds_AsksAPersonAndWantsAYesOfAScript()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=1000");
        var clients = new List<RelayClient>();
        for (var i = 0; i < 101; i++)
        {
            clients.Add(await relay.EnterAsync("127.0.0.1"));
        }

        var script = await relay.Cli.RunLineAsync("disconnect --cidr 127.0.0.0/8");
        Assert.Equal(
            (ExitCodes.Usage, "", "101 client sockets match: give --yes to close more than 100 without being asked. Nothing was changed.\n"),
            (script.ExitCode, script.Output, script.Error));

        foreach (var answer in (string[])["\n", "n\n", ""])
        {
            var no = await Person(answer).RunLineAsync("disconnect --cidr 127.0.0.0/8");
            Assert.Equal(
                (ExitCodes.Rejected, "", "Disconnect 101 client sockets? [y/N] Nothing was changed.\n"), (no.ExitCode, no.Output, no.Error));
        }

        await clients[100].AskAsync("""{"type":"ping"}""", "pong");
        var yes = await Person("y\n").RunLineAsync("disconnect --cidr 127.0.0.0/8");
        Assert.Equal((ExitCodes.Ok, "Closing 101 client sockets:"), (yes.ExitCode, yes.OutputLines[0]));
        Assert.Equal(1008, (await clients[100].ClosedAsync()).Code);

        Cli Person(string answer) => new() { Environment = { ["RELAY_ADMIN"] = relay.Socket }, Timeout = relay.Cli.Timeout, Input = new StringReader(answer) };
    }

    [Fact]
    public async Task Disconnect_HundredsWithYes_AsksNobody()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=1000");
        var clients = new List<RelayClient>();
        for (var i = 0; i < 101; i++)
        {
            clients.Add(await relay.EnterAsync("127.0.0.1"));
        }

        var result = await relay.Cli.RunLineAsync("disconnect --cidr 127.0.0.0/8 --yes");
        Assert.Equal((ExitCodes.Ok, "", "Closing 101 client sockets:"), (result.ExitCode, result.Error, result.OutputLines[0]));
        Assert.Equal(1008, (await clients[0].ClosedAsync()).Code);
    }
}
