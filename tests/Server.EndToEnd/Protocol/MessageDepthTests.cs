using System.Text;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Protocol;

/// <summary>Payloads of any depth, and texts that are no Unicode (docs/protocol.md).</summary>
public sealed class MessageDepthTests
{
    [Fact]
    public async Task Offer_PayloadAsDeepAsAMessageIsLong_ArrivesByteForByte()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        foreach (var (open, close) in new[] { ("[", "]"), ("{\"a\":", "}") })
        {
            var levels = 262_000 / (open.Length + close.Length);
            var payload = new StringBuilder().Insert(0, open, levels).Append('1').Insert(levels * open.Length + 1, close, levels).ToString();

            await a.SendAsync($$"""{"type":"offer","target":"BBBBBB","payload":{{payload}}}""");

            Assert.Equal($$"""{"type":"offer","from":"AAAAAA","payload":{{payload}}}""", await b.ReceiveTextAsync());
        }
    }

    [Fact]
    public async Task Offer_HalfSurrogatePairs_PassInPayloadsAndAreRefusedWhereRead()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");

        await a.SendAsync("""{"type":"offer","target":"BBBBBB","\udc00":"\ud800","payload":{"\ud800":"\udc00"}}""");
        Assert.Equal("""{"type":"offer","from":"AAAAAA","payload":{"\ud800":"\udc00"}}""", await b.ReceiveTextAsync());

        await a.SendAsync("""{"type":"offer","target":"\ud800","payload":1}""");
        await a.ExpectErrorAsync("Invalid message: offer: target must be a string");
        await a.SendAsync("""{"type":"call_offer","target":"BBBBBB","payload":{"callId":"\ud800","sdp":"v"}}""");
        await a.ExpectErrorAsync("Invalid or missing callId (must be UUID v4 format)");
    }
}
