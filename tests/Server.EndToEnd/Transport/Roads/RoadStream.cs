using System.Text;
using CsCheck;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport.Roads;

/// <summary>What one client sends: a request and frames, right or wrong, and where they are cut into segments.</summary>
/// <param name="From">The client's address.</param>
/// <param name="Head">The request.</param>
/// <param name="Body">What follows it.</param>
/// <param name="Cuts">Lengths of the segments, repeated until all is sent.</param>
/// <param name="IsOrderly">True: nothing follows its close frame, so no end but an orderly one is right.</param>
internal sealed record RoadStream(string From, byte[] Head, byte[] Body, int[] Cuts, bool IsOrderly)
{
    /// <summary>Clients from here are refused.</summary>
    public const string RefusedAddress = "127.0.7.1";

    /// <summary>The message limit of both servers; small, so that what ends every stream can be short.</summary>
    public const int MaxMessageBytes = 2048;

    /// <summary>In place of these letters a message has a code that no other stream has.</summary>
    public const string OwnCode = "@@@@@@";

    private const string Key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    private const string Asks = $"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{Key}";

    // Whatever the bytes before it have begun, this ends it, and then it is a frame with reserved bits.
    private static readonly byte[] Breaker = [.. Enumerable.Repeat((byte)0xFF, MaxMessageBytes + 14)];

    // Without a tab: beside an option of Connection it is as good as a blank (RFC 9110 section 5.6.3), but not to Kestrel.
    private static readonly string[] HeadPieces =
    [
        "\r\n", "\r", "\n", " ", ":", ",", "\0", "\u007F", "\u00E4", "\r\n ", " :", "%2e", "/.", "//", "?", "#",
        "Host: b\r\n", "Content-Length: 0\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: x\r\n",
        "Sec-WebSocket-Protocol: a, b\r\n", "Sec-WebSocket-Protocol: a b\r\n", "Sec-WebSocket-Protocol:\r\n", "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        "Sec-WebSocket-Version: 8\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n",
        "Origin: null\r\n", "X-Forwarded-For: 127.0.7.1\r\n", $"Cookie: {new string('c', 3000)}\r\n", Key,
    ];

    private static readonly Gen<string> Start = Gen.Frequency(
        (12, Gen.Const("GET / HTTP/1.1\r\nHost: relay.example\r\n")),
        (6, Gen.OneOf(
            "GET /ws?x=1 HTTP/1.1\r\nHost: [::1]:9000\r\n", "GET /a/../b HTTP/1.1\r\nHost: a\r\n", "GET /%61 HTTP/1.1\r\nHost: a\r\n",
            "GET //a HTTP/1.1\r\nHost:\r\n", "GET /admin/ws HTTP/1.1\r\nHost: a\r\n", "GET /federation HTTP/1.1\r\nHost: a\r\n",
            "GET /ready HTTP/1.1\r\nHost: a\r\n", "GET http://a/ws HTTP/1.1\r\nHost: a\r\n", "GET * HTTP/1.1\r\nHost: a\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\n", "HEAD / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.0\r\nHost: a\r\n", "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.2\r\nHost: a\r\n", "GET / HTTP/2.0\r\nHost: a\r\n", "\r\nGET / HTTP/1.1\r\nHost: a\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n",
            "get / HTTP/1.1\r\nHost: a\r\n", "GET /a#b HTTP/1.1\r\nHost: a\r\n", "GET /\u00E4 HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\nHost: a\n")));

    private static readonly Gen<string> Request = Gen.Select(
        Start,
        Gen.Frequency((12, Gen.Const(Asks)), (4, Gen.OneOf(
            "", Key, Asks.Replace("13", "12", StringComparison.Ordinal), Asks.Replace("AAAA==", "AAA==", StringComparison.Ordinal), Asks.Replace("websocket", "WebSocket, h2c", StringComparison.Ordinal),
            Asks.Replace("websocket", "socket", StringComparison.Ordinal), Asks.Replace(": Upgrade", ": keep-alive , UPGRADE", StringComparison.Ordinal), Asks.Replace(": ", ":", StringComparison.Ordinal),
            Asks.Replace("Connection: Upgrade", "Connection: Upgrades", StringComparison.Ordinal), Asks.Replace("AAAA==", "AAAB==", StringComparison.Ordinal), Asks.Replace(Key, "", StringComparison.Ordinal)))),
        (start, rest) => $"{start}{rest}\r\n");

    private static readonly Gen<string> AnyRequest = Gen.Frequency(
        (3, Request),
        (1, Gen.Select(Request, Gen.OneOf(HeadPieces), Gen.Int[0, 400], (request, piece, at) => request.Insert(at % (request.Length - 1), piece))),
        (1, Gen.Select(Request, Gen.OneOf(HeadPieces), (request, line) => request.Insert(request.Length - 2, line))),
        (1, Gen.Select(Request, Gen.Int[0, 400], Gen.Int[1, 4], (request, at, length) => request.Remove(at % (request.Length - length), length))));

    private static readonly string[] Messages =
    [
        """{"type":"ping"}""",
        """ {"x":[1,{"y":"\ud800"}],"type":"ping"} """,
        $$"""{"type":"register","pairingCode":"{{OwnCode}}","publicKey":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}""",
        $$"""{"type":"register","peerId":"peer-{{OwnCode}}"}""",
        """{"type":"register","pairingCode":"nocode","publicKey":"x"}""",
        $$$"""{"type":"offer","target":"{{{OwnCode}}}","payload":{"sdp":"é😀","n":1e5}}""",
        """{"type":"offer","target":"ZZZZZZ","payload":1}""",
        """{"type":"pair_request","targetCode":"ZZZZZZ"}""",
        """{"type":"channel-owner-register","channelId":"c"}""",
        """{"type":"channel-subscribe","channelId":"c"}""",
        """{"type":"register_rendezvous","dailyPoints":["p"],"hourlyTokens":["t"],"relayId":""}""",
        """{"type":"chunk_announce","chunks":[{"chunkId":"k"}]}""",
        """{"type":"chunk_request","chunkId":"nobody","channelId":"c"}""",
        """{"type":"attest_request","build_token":"b","device_id":"d"}""",
        """{"type":"heartbeat"}""",
        """{"type":"no such thing"}""",
        """{"type":7}""",
        "[]", "nul", "", "{", """{"type":"ping"}{""",
    ];

    private static readonly byte[][] Wrong =
    [
        [0x81, 0x02, 0x7B, 0x7D], [0x89, 0x00], [0xC1, 0x80, 0, 0, 0, 0], [0x83, 0x80, 0, 0, 0, 0], [0x8B, 0x80, 0, 0, 0, 0],
        [0x09, 0x80, 0, 0, 0, 0], [0x89, 0xFE, 0, 126, 0, 0, 0, 0], [0x80, 0x80, 0, 0, 0, 0],
        [0x81, 0xFE, 0, 3, 0, 0, 0, 0, 1, 2, 3], [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0],
        [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], [0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        [0x82, 0xFE, 0x08, 0x01, 0, 0, 0, 0],
        [0x81, 0x81, 0, 0, 0, 0, 0xFF], [0x81, 0x82, 0, 0, 0, 0, 0xED, 0xA0], [0x01, 0x82, 0, 0, 0, 0, 0xE2, 0x82, 0x80, 0x81, 0, 0, 0, 0, 0x41],
        [0x88, 0x81, 0, 0, 0, 0, 3], [0x88, 0x83, 0, 0, 0, 0, 3, 0xE8, 0xFF],
        .. new[] { 0, 999, 1004, 1005, 1006, 1015, 2999, 5000 }.Select(code => RawWebSocket.Frame(0x88, [(byte)(code >> 8), (byte)code])),
    ];

    private static readonly Gen<byte[]> Payload = Gen.Frequency(
        (6, Gen.OneOf(Messages).Select(Encoding.UTF8.GetBytes)),
        (1, Gen.Byte.Array[0, 200]),
        (1, Gen.String[Gen.Char['\u0020', '\uD7FF'], 0, 60].Select(Encoding.UTF8.GetBytes)),
        (1, Gen.OneOf(125, 126, MaxMessageBytes - 1, MaxMessageBytes, MaxMessageBytes + 1).Select(length => Encoding.UTF8.GetBytes("""{"type":"ping"}""".PadRight(length)))));

    private static readonly Gen<byte[]> Control = Gen.Select(Gen.OneOf(0x89, 0x8A), Gen.Byte.Array[0, 125], Masked);

    private static readonly Gen<byte[]> Message = Gen.Select(Gen.OneOf(0x01, 0x02), Payload, Gen.Int[1, 200].Array[0, 3], Control.Array[0, 1], Fragments);

    private static readonly Gen<byte[]> Close = Gen.Select(
        Gen.OneOf(1000, 1001, 1003, 1007, 1012, 1013, 1014, 3000, 4999), Gen.OneOf("", "bye", "κόσμε", new string('r', 123)),
        (code, reason) => Masked(0x88, [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)]));

    private static readonly Gen<byte[]> Valid = Gen.Frequency((4, Message), (1, Control));

    // All whole, and a close frame behind it; there may be more behind that.
    private static readonly Gen<(byte[] Bytes, bool IsOrderly)> Orderly = Gen.Select(
        Valid.Array[0, 8], Gen.Frequency((4, Close), (1, Gen.Const(Masked(0x88, [])))), Gen.Frequency((2, Gen.Const(Array.Empty<byte>())), (1, Valid), (1, Gen.Const(Breaker))),
        (frames, close, more) => ((byte[])[.. frames.SelectMany(frame => frame), .. close, .. more], more.Length == 0));

    private static readonly Gen<(byte[] Bytes, bool IsOrderly)> Disorderly = Gen.Select(
        Valid.Array[0, 5],
        Gen.Frequency(
            (4, Gen.OneOf(Wrong)),
            (1, Gen.Byte.Array[1, 60]),
            (1, Gen.Select(Message, Gen.Int[0, 5000], Gen.Byte, Change)),
            (1, Gen.Select(Message, Gen.Int[0, 5000], (frames, length) => frames[..(length % frames.Length)]))),
        (frames, wrong) => ((byte[])[.. frames.SelectMany(frame => frame), .. wrong, .. Breaker], false));

    private static readonly Gen<int[]> Segments = Gen.Frequency(
        (3, Gen.Const(new[] { int.MaxValue })), (3, Gen.Int[1, 400].Array[1, 6]), (1, Gen.Const(new[] { 1 })), (1, Gen.Int[1, 12].Array[1, 6]));

    /// <summary>Streams whose request comes to an end, right or wrong. Without one there is only the time for it, after which the connection is reset.</summary>
    public static readonly Gen<RoadStream> Any = Gen.Select(
        Gen.Frequency((9, Gen.Const("127.0.0.1")), (1, Gen.Const(RefusedAddress))),
        Gen.Frequency((5, Gen.Const($"GET / HTTP/1.1\r\nHost: relay.example\r\n{Asks}\r\n")), (3, AnyRequest)).Select(Encoding.Latin1.GetBytes),
        Gen.Frequency((1, Orderly), (1, Disorderly)),
        Segments,
        (from, head, body, cuts) => new RoadStream(from, head, body.Bytes, cuts, body.IsOrderly)).Where(stream => stream.Bytes(OwnCode).AsSpan().IndexOf("\r\n\r\n"u8) >= 0);

    /// <summary>The bytes to send, with <paramref name="code"/> where a code of its own is wanted.</summary>
    public byte[] Bytes(string code)
    {
        byte[] bytes = [.. Head, .. Body];
        for (int at; code != OwnCode && (at = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(OwnCode))) >= 0;)
        {
            Encoding.ASCII.GetBytes(code, bytes.AsSpan(at));
        }

        return bytes;
    }

    public override string ToString() =>
        $"from {From}: {Encoding.Latin1.GetString(Head).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)} {Convert.ToHexString(Body.AsSpan().TrimEnd((byte)0xFF))} + {Body.Length - Body.AsSpan().TrimEnd((byte)0xFF).Length} x FF in {string.Join(',', Cuts)}";

    // The first of the pieces has the opcode, the last is final; control frames go between them.
    private static byte[] Fragments(int opcode, byte[] payload, int[] lengths, byte[][] controls)
    {
        var bytes = new List<byte>();
        var at = 0;
        foreach (var length in lengths)
        {
            var piece = payload[at..Math.Min(at + length, payload.Length)];
            bytes.AddRange(Masked(bytes.Count == 0 ? opcode : 0, piece));
            at += piece.Length;
            bytes.AddRange(controls.SelectMany(control => control));
        }

        bytes.AddRange(Masked(0x80 | (bytes.Count == 0 ? opcode : 0), payload[at..]));
        return [.. bytes];
    }

    private static byte[] Change(byte[] bytes, int at, byte value)
    {
        var changed = (byte[])bytes.Clone();
        changed[at % bytes.Length] = value;
        return changed;
    }

    // The key is of zeros, so that the codes can be put in; the codec's own tests have others.
    private static byte[] Masked(int first, byte[] payload) => RawWebSocket.Frame(first, payload);
}
