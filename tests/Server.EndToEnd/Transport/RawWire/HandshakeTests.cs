using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport.RawWire;

/// <summary>Opening handshakes as bytes: what is an upgrade, and what is answered to what is none.</summary>
public sealed class HandshakeTests(WireServer wire) : IClassFixture<WireServer>
{
    private const string Rest = "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData($"GET /ws?x=1 HTTP/1.1\r\nHost: a\r\n{Rest}\r\n")]
    [InlineData($"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n{Rest}\r\n")]
    [InlineData($"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websockets\r\n{Rest}\r\n")]
    [InlineData($"GET / HTTP/1.0\r\nHost: a\r\n{RawWebSocket.Upgrade}\r\n")]
    [InlineData($"GET / HTTP/1.0\r\n{RawWebSocket.Upgrade}\r\n")]
    public async Task ClientPath_WithoutAnUpgrade_IsToldToUpgrade(string request)
    {
        await using var raw = await RawWebSocket.DialAsync(wire.Relay);
        await raw.WriteAsync(request);
        var head = await raw.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 426 ", head, StringComparison.Ordinal);
        Assert.Contains("\r\nUpgrade: websocket\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: Upgrade\r\n", head, StringComparison.Ordinal);
        await raw.ReadToEndAsync();
    }

    // Whoever says with the request that no more follows still reads.
    [Theory]
    [InlineData($"GET / HTTP/1.1\r\nHost: a\r\n{RawWebSocket.Upgrade}\r\n", "101")]
    [InlineData("GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "200")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "426")]
    [InlineData($"GET / HTTP/1.0\r\n{RawWebSocket.Upgrade}\r\n", "426")]
    public async Task Request_FollowedByFin_IsAnswered(string request, string status)
    {
        await using var raw = await RawWebSocket.DialAsync(wire.Relay);
        await raw.WriteAsync(request);
        raw.EndSending();
        Assert.StartsWith($"HTTP/1.1 {status} ", await raw.ReadHeadAsync(), StringComparison.Ordinal);
        await raw.ReadToEndAsync();
    }

    // obs-text of RFC 9110 is opaque, whoever reads the request.
    [Theory]
    [InlineData("/health", "", "200")]
    [InlineData("/", RawWebSocket.Upgrade, "101")]
    [InlineData("/", RawWebSocket.Upgrade + "Sec-WebSocket-Protocol: a\r\n", "101")]
    public async Task Header_WithALatin1Byte_IsOpaque(string path, string headers, string status)
    {
        await using var raw = await RawWebSocket.DialAsync(wire.Relay);
        await raw.WriteAsync($"GET {path} HTTP/1.1\r\nHost: a\r\n{headers}X-Name: caf\u00E9\u0080\u00FF\r\nCookie: \u00E9=\u00E9\r\nOrigin: https://\u00E9\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", await raw.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a,,b")]
    [InlineData(",")]
    [InlineData("a, b;c")]
    [InlineData("a/b")]
    [InlineData("\"a\"")]
    [InlineData("a\u00E4")]
    [InlineData("\u007F")]
    [InlineData("a\r\nSec-WebSocket-Protocol: b c")]
    public async Task Subprotocol_ThatIsNoToken_Is400(string subprotocols)
    {
        await using var raw = await RawWebSocket.DialAsync(wire.Relay);
        await raw.WriteAsync($"GET / HTTP/1.1\r\nHost: a\r\n{RawWebSocket.Upgrade}Sec-WebSocket-Protocol: {subprotocols}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", await raw.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("chat.v1", "chat.v1")]
    [InlineData("a , b\t", "a")]
    [InlineData("a\r\nSec-WebSocket-Protocol: b", "a")]
    public async Task Subprotocols_OfTokens_TheFirstIsEchoed(string subprotocols, string echoed)
    {
        await using var raw = await RawWebSocket.DialAsync(wire.Relay);
        await raw.WriteAsync($"GET / HTTP/1.1\r\nHost: a\r\n{RawWebSocket.Upgrade}Sec-WebSocket-Protocol: {subprotocols}\r\n\r\n");
        var head = await raw.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Contains($"\r\nSec-WebSocket-Protocol: {echoed}\r\n", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("upgrade: websocket\r\nCONNECTION: keep-alive, UPGRADE\r\n")]
    [InlineData("Upgrade: h2c, WebSocket\r\nConnection: Upgrade\r\n")]
    [InlineData("Upgrade: websocket\r\nConnection: Upgrade\r\nCookie: name=\u00FF\u00E4\u0080\r\nUser-Agent: \u00C3(\t\u00F1\r\n")]
    [InlineData("Upgrade:websocket\r\nConnection:Upgrade\r\nSec-WebSocket-Protocol:\r\nEmpty:\r\n")]
    public async Task Upgrade_InAnyForm_IsTaken(string headers)
    {
        await using var raw = await RawWebSocket.DialAsync(wire.Relay);
        await raw.WriteAsync($"GET /any HTTP/1.1\r\nHost: a\r\n{headers}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        var head = await raw.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head, StringComparison.Ordinal);
    }

    // None is spoken, so none may be agreed on.
    [Theory]
    [InlineData("permessage-deflate; client_max_window_bits")]
    [InlineData("x-webkit-deflate-frame, permessage-deflate\r\nSec-WebSocket-Extensions: bbf-usp-protocol")]
    public async Task Extensions_Offered_AreNotTakenUp(string extensions)
    {
        await using var raw = await RawWebSocket.DialAsync(wire.Relay);
        await raw.WriteAsync($"GET / HTTP/1.1\r\nHost: a\r\n{RawWebSocket.Upgrade}Sec-WebSocket-Extensions: {extensions}\r\n\r\n");
        var head = await raw.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.DoesNotContain("extensions", head, StringComparison.OrdinalIgnoreCase);
    }

    // Whoever smuggles a request does not get a socket.
    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 6\r\n")]
    [InlineData("Transfer-Encoding: chunked, chunked\r\nContent-Length: x\r\n")]
    [InlineData("Host: b\r\n")]
    [InlineData("X: y\r\n folded\r\n")]
    [InlineData("X : y\r\n")]
    [InlineData("X: a\0b\r\n")]
    [InlineData("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")]
    [InlineData("Sec-WebSocket-Version: 13\r\n")]
    public async Task Upgrade_WithADoubtfulHeader_Is400(string header)
    {
        await using var raw = await RawWebSocket.DialAsync(wire.Relay);
        await raw.WriteAsync($"GET / HTTP/1.1\r\nHost: a\r\n{RawWebSocket.Upgrade}{header}\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", await raw.ReadHeadAsync(), StringComparison.Ordinal);
    }
}
