using System.Text;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.EndToEnd.Transport;

/// <summary>Everything that a socket can do wrong. After each, the server serves an honest client and its tables are empty.</summary>
public sealed class HostileClientTests
{
    public static TheoryData<string, string> BadRequests => new()
    {
        { "GET //", $"GET // HTTP/1.1\r\nHost: x\r\n{RawWebSocket.Upgrade}\r\n" },
        { "GET /%", $"GET /% HTTP/1.1\r\nHost: x\r\n{RawWebSocket.Upgrade}\r\n" },
        { "absolute target", $"GET http:///x HTTP/1.1\r\nHost: x\r\n{RawWebSocket.Upgrade}\r\n" },
        { "no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "garbage", "\0\u0001\u0002 hello\r\n\r\n" },
        { "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
        { "no Host", $"GET / HTTP/1.1\r\n{RawWebSocket.Upgrade}\r\n" },
        { "bad Host", $"GET / HTTP/1.1\r\nHost: ]:x[\r\n{RawWebSocket.Upgrade}\r\n" },
        { "two Hosts", $"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n{RawWebSocket.Upgrade}\r\n" },
        { "header too large", $"GET / HTTP/1.1\r\nHost: x\r\nX: {new string('a', 40_000)}\r\n\r\n" },
        { "target too large", $"GET /{new string('a', 40_000)} HTTP/1.1\r\nHost: x\r\n\r\n" },
        { "header without colon", "GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task Request_Malformed_IsRefusedAndTheServerStays(string what, string request)
    {
        await using var server = await RelayServer.StartAsync();
        await using (var raw = await RawWebSocket.DialAsync(server))
        {
            await raw.WriteAsync(request);
            var head = await raw.ReadHeadAsync();
            Assert.True(head.Length == 0 || head.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) || what == "HTTP/2 preface", head);
        }

        await StaysWellAsync(server);
    }

    public static TheoryData<string, string, string> BadHandshakes => new()
    {
        { "version", "HTTP/1.1 400", "GET / HTTP/1.1\r\nHost: x\r\n" + RawWebSocket.Upgrade.Replace("Version: 13", "Version: 12", StringComparison.Ordinal) + "\r\n" },
        { "key", "HTTP/1.1 400", "GET / HTTP/1.1\r\nHost: x\r\n" + RawWebSocket.Upgrade.Replace("AAAAAAAAAAAAAAAAAAAAAA==", "short", StringComparison.Ordinal) + "\r\n" },
        { "connection", "HTTP/1.1 400", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n" },
        { "method", "HTTP/1.1 405", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" + RawWebSocket.Upgrade + "\r\n" },
    };

    [Theory]
    [MemberData(nameof(BadHandshakes))]
    public async Task Handshake_AgainstTheRfc_IsAnswered(string what, string status, string request)
    {
        await using var server = await RelayServer.StartAsync();
        await using (var raw = await RawWebSocket.DialAsync(server))
        {
            await raw.WriteAsync(request);
            var head = await raw.ReadHeadAsync();
            Assert.StartsWith(status, head, StringComparison.Ordinal);
            Assert.Equal(what == "version", head.Contains("Sec-WebSocket-Version: 13, 8", StringComparison.Ordinal));
        }

        await StaysWellAsync(server);
    }

    /// <summary>Frames, and the close code that answers them (-1: cut).</summary>
    public static TheoryData<string, byte[], int[]> BadFrames => new()
    {
        { "reserved bit", RawWebSocket.Frame(0xC1, "{}"u8.ToArray()), [1002] },
        { "reserved opcode", RawWebSocket.Frame(0x83, "{}"u8.ToArray()), [1002] },
        { "reserved control opcode", RawWebSocket.Frame(0x8B, []), [1002] },
        { "fragmented ping", RawWebSocket.Frame(0x09, []), [1002] },
        { "ping over 125 bytes", RawWebSocket.Frame(0x89, new byte[126]), [1002] },
        { "continuation of nothing", RawWebSocket.Frame(0x80, "x"u8.ToArray()), [1002] },
        { "text within a fragmented text", [.. RawWebSocket.Frame(0x01, "a"u8.ToArray()), .. RawWebSocket.Frame(0x81, "b"u8.ToArray())], [1002] },
        { "close with one byte", RawWebSocket.Frame(0x88, [3]), [1002] },
        { "close with code 1005", RawWebSocket.Frame(0x88, [0x03, 0xED]), [1002] },
        { "close with broken text", RawWebSocket.Frame(0x88, [0x03, 0xE8, 0xFF, 0xFE]), [1002, 1007] },
        { "text that is not UTF-8", RawWebSocket.Frame(0x81, [0x22, 0xFF, 0x22]), [1007] },
        { "too big", RawWebSocket.Frame(0x81, new byte[262_145]), [1009] },
        { "too big in fragments", [.. RawWebSocket.Frame(0x01, Spaces(200_000)), .. RawWebSocket.Frame(0x80, Spaces(62_145))], [1009] },
        { "a length of 2^63", [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], [1002, -1] },
    };

    [Theory]
    [MemberData(nameof(BadFrames))]
    public async Task Frame_AgainstTheRfc_ClosesThatSessionOnly(string what, byte[] bytes, int[] codes)
    {
        await using var server = await RelayServer.StartAsync();
        await using (var raw = await RawWebSocket.OpenAsync(server))
        {
            await raw.WriteAsync(bytes);
            var (code, reason) = await raw.ReadCloseAsync();
            Assert.True(codes.Contains(code), $"{what}: closed with {code}");
            Assert.Equal("", reason);
        }

        await StaysWellAsync(server);
    }

    [Fact]
    public async Task Frame_Unmasked_HarmsNobody()
    {
        await using var server = await RelayServer.StartAsync();
        await using (var raw = await RawWebSocket.OpenAsync(server))
        {
            await raw.WriteAsync(RawWebSocket.Frame(0x81, "{\"type\":\"ping\"}"u8.ToArray(), masked: false));
            var (opcode, payload) = await raw.ReadFrameAsync();
            Assert.Equal(8, opcode);
            Assert.Equal(1002, (payload[0] << 8) | payload[1]);
        }

        await StaysWellAsync(server);
    }

    [Fact]
    public async Task Message_DeepJson_IsReadToItsEnd()
    {
        await using var server = await RelayServer.StartAsync();
        await using (var client = await TestClient.ConnectAsync(server))
        {
            await client.SendAsync(new string('[', 200_000));
            await client.ExpectErrorAsync("Invalid message format: JSON parse error");
            await client.SendAsync($$"""{"type":"offer","target":"AAAAAA","payload":{{new string('[', 100)}}{{new string(']', 100)}}}""");
            await client.ExpectErrorAsync("Not registered. Send register message first.");
        }

        await StaysWellAsync(server);
    }

    [Fact]
    public async Task PingFlood_AThousandPings_AreAnsweredAndOthersServed()
    {
        await using var server = await RelayServer.StartAsync();
        await using (var raw = await RawWebSocket.OpenAsync(server))
        {
            var ping = RawWebSocket.Frame(0x89, Spaces(100));
            var many = Enumerable.Repeat(ping, 100).SelectMany(bytes => bytes).ToArray();
            for (var i = 0; i < 10; i++)
            {
                await raw.WriteAsync(many);
                for (var pongs = 0; pongs < 100; pongs++)
                {
                    Assert.Equal(10, (await raw.ReadFrameAsync()).Opcode);
                }
            }
        }

        await StaysWellAsync(server);
    }

    [Fact]
    public async Task HalfHeaders_FiveHundredSockets_TakeNoPlaceAndLeaveNothing()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Admission.PerIp = 2;
            settings.Listen.MaxHandshakesPerIp = 1000;
        });
        var half = await Task.WhenAll(Enumerable.Range(0, 500).Select(async _ =>
        {
            var raw = await RawWebSocket.DialAsync(server);
            await raw.WriteAsync("GET / HTTP/1.1\r\nHost: loc");
            return raw;
        }));
        await Eventually.TrueAsync(() => server.Get<ConnectionTable>().Count == 500, "500 half-open sockets");

        // Honest clients from the same address are served beside them.
        await using (var honest = await TestClient.RegisterAsync(server, "AAAAAA"))
        {
            await honest.ExpectNothingAsync();
            Assert.Equal(1, server.Get<ConnectionLedger>().Totals().Live);
        }

        foreach (var raw in half)
        {
            await raw.DisposeAsync();
        }

        await StaysWellAsync(server);
    }

    [Fact]
    public async Task HalfHeader_NeverFinished_IsCutAtTheDeadline()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Listen.HandshakeTimeout = TimeSpan.FromSeconds(1));
        await using (var raw = await RawWebSocket.DialAsync(server))
        {
            await raw.WriteAsync("GET / HTTP/1.1\r\n");
            await raw.ReadToEndAsync();
        }

        await StaysWellAsync(server);
    }

    [Fact]
    public async Task Receiver_NeverReads_TakesItsShareAndNoMore()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            StalledReceiver.Configure(settings);
            settings.Sessions.QueueBytes = 64 * 1024;
        });
        await using (var deaf = await StalledReceiver.RegisterAsync(server))
        await using (var sender = await TestClient.RegisterAsync(server, "AAAAAA"))
        await using (var third = await TestClient.RegisterAsync(server, "CCCCCC"))
        {
            await StalledReceiver.FloodAsync(sender, 30_000);
            await third.ExpectNothingAsync();
            Assert.Equal(3, server.Get<ConnectionLedger>().Totals().Live);
            Assert.InRange(server.Get<RelayMetrics>().Queued, 1, 1);
        }

        await StaysWellAsync(server);
        await Eventually.TrueAsync(() => server.Get<RelayMetrics>().Queued == 0, "empty queues");
    }

    private static byte[] Spaces(int count) => Encoding.ASCII.GetBytes(new string(' ', count));

    private static async Task StaysWellAsync(RelayServer server)
    {
        await using (var honest = await TestClient.RegisterAsync(server, "ZZZZZZ"))
        {
            await honest.ExpectNothingAsync();
            await honest.CloseAsync();
        }

        await Eventually.TrueAsync(() => server.Get<ConnectionLedger>().Totals().Live == 0, "an empty ledger");
        await Eventually.TrueAsync(() => server.Get<SessionTable>().Count == 0, "no sessions");
        await Eventually.TrueAsync(() => server.Get<ConnectionTable>().Count == 0, "no connections");
    }
}
