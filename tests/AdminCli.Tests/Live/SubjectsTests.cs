using System.Buffers.Text;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

/// <summary>Operators see people, and act on them.</summary>
public sealed class SubjectsTests
{
    private static readonly byte[] Secret = RandomNumberGenerator.GetBytes(32);

    [Fact]
    public async Task Subjects_OfConnectedClients_AreListedExplainedBannedAndDisconnected()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["keys.json"], $$"""{"kty":"oct","k":"{{Base64Url.EncodeToString(Secret)}}"}""", TestContext.Current.CancellationToken);
        await using var relay = await RelayProcess.StartAsync($"--Clients:Auth:KeyFile={folder["keys.json"]}", "--Clients:Auth:PerSubject=2");
        using var alice = await ConnectAsync(relay, "alice");
        using var bob = await ConnectAsync(relay, "bob smith");

        var list = await SayAsync("ips --subjects");
        Assert.Matches(@"\nalice +1 +2 +1 +1 +0 ", list);
        Assert.Matches(@"\nbob smith +1 +2 ", list);
        Assert.Contains("alice", await SayAsync("connections"), StringComparison.Ordinal);
        Assert.Matches(@"\nsubject +subject alice +1 +2 ", await SayAsync("explain 127.0.0.1 --subject alice"));

        Assert.Matches(@"^would ban +subject alice +until unbanned\nconnected +1 clients connected as this subject; not disconnected\n", await SayAsync("ban --subject alice --dry-run"));
        Assert.Matches(@"^banned +subject alice ", await SayAsync("ban --subject alice --disconnect --reason left"));
        Assert.Equal((1008, "Banned"), await new RelayClient(alice).ClosedAsync());
        Assert.Matches(@"\nsubject alice +never +manual +left\n", await SayAsync("bans"));
        Assert.Matches(@"ban +subject alice without an end", await SayAsync("explain 127.0.0.1 --subject alice"));
        Assert.Matches(@"^unbanned +subject alice ", await SayAsync("unban --subject alice"));
        var again = await relay.Cli.RunLineAsync("unban --subject alice");
        Assert.Equal(ExitCodes.Rejected, again.ExitCode);
        Assert.Contains("no ban matches subject alice", again.Error, StringComparison.Ordinal);

        Assert.Matches(@"^Closing 1 client socket:\n", (await relay.Cli.RunAsync("disconnect", "--subject", "bob smith")).Output);
        Assert.Equal((1008, "Disconnected by the operator"), await new RelayClient(bob).ClosedAsync());

        async Task<string> SayAsync(string line)
        {
            var result = await relay.Cli.RunLineAsync(line);
            Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
            return result.Output;
        }
    }

    private static async Task<ClientWebSocket> ConnectAsync(RelayProcess relay, string subject)
    {
        var signed = $"{Encode("""{"alg":"HS256"}""")}.{Encode($$"""{"sub":"{{subject}}","exp":{{DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 600}}}""")}";
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Secret, Encoding.ASCII.GetBytes(signed)))}");
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{relay.Port}/"), TestContext.Current.CancellationToken);
        await new RelayClient(socket).ReadAsync("server_identity");
        return socket;
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
