using System.Net.WebSockets;
using System.Text;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Hosting;

/// <summary>Clients on TLS stay with the old process, which disconnects them; to those who have moved they are gone.</summary>
[Trait("Programs", "Started")]
public sealed class UpgradeTlsTests
{
    public UpgradeTlsTests() => Assert.SkipUnless(Upgrading.MovesClients, "SKIPPED: clients that Kestrel carries do not move.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upgrade_ClientOnTls_IsClosedWith1012AndItsNameIsHeld()
    {
        using var certificate = new TestCertificate();
        var plainPort = FreePort.Take();
        await using var relay = await RelayProcess.StartAsync(
            $"--Listen:Port={FreePort.Take()}", $"--Listen:More:0=127.0.0.1:{plainPort}", $"--Listen:CertificateFile={certificate.CertificateFile}", $"--Listen:KeyFile={certificate.KeyFile}");
        await using var plain = await TestClient.RegisterAsync(plainPort, "AAAAAA");
        using var tls = new ClientWebSocket();
        tls.Options.RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=localhost";
        await tls.ConnectAsync(new Uri($"wss://127.0.0.1:{relay.Port}/"), Token);
        await SendAsync(tls, $$"""{"type":"register","pairingCode":"BBBBBB","publicKey":"{{TestClient.Key("BBBBBB")}}"}""");
        while (!(await ReceiveAsync(tls)).Contains("\"registered\"", StringComparison.Ordinal))
        {
        }

        await SendAsync(tls, """{"type":"pair_request","targetCode":"AAAAAA"}""");
        await plain.ExpectAsync("pair_incoming");
        await plain.SendAsync("""{"type":"pair_request","targetCode":"BBBBBB"}""");
        Assert.Contains("pair_incoming", await ReceiveAsync(tls), StringComparison.Ordinal);

        var done = await relay.UpgradeAsync(rate: 1);

        Assert.Equal((1L, 1L), (done.Moved, done.Remaining));
        await ReceiveAsync(tls);
        Assert.Equal((WebSocketCloseStatus?)1012, tls.CloseStatus);

        // To the one who has moved it has left.
        await plain.ExpectAsync("pair_timeout");
        await plain.SendAsync("""{"type":"pair_response","targetCode":"BBBBBB","accepted":true}""");
        await plain.ExpectAsync("pair_error");
        await using (var thief = await TestClient.ConnectAsync(plainPort))
        {
            await thief.RegisterCodeAsync("BBBBBB", TestClient.Key("thief"));
            await thief.ExpectAsync("code_collision");
        }

        await using var again = await TestClient.RegisterAsync(plainPort, "BBBBBB");
        relay.AssertNothingWrong();
    }

    private static Task SendAsync(ClientWebSocket socket, string text) => socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, Token);

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Token);
        timeout.CancelAfter(Upgrading.Patience);
        var buffer = new byte[16 * 1024];
        var result = await socket.ReceiveAsync(buffer, timeout.Token);
        return Encoding.UTF8.GetString(buffer.AsSpan(0, result.Count));
    }
}
