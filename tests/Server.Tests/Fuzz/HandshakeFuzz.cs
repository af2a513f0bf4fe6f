using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Relay.Addresses;
using Relay.Transport;
using Relay.Transport.Engine;

namespace Server.Tests.Fuzz;

/// <summary>
/// The first bytes of a connection, as the engine decides on them: PROXY header, request head, road, handshake, client address, and
/// the answer. Cut anywhere they are decided alike; a handshake that the engine takes is one by the other road's rules too; and no
/// answer has a line that a client could have put there.
/// </summary>
internal static class HandshakeFuzz
{
    private const string Guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const string Signature = "\r\n\r\n\0\r\nQUIT\n";

    private static readonly ClientAddressResolver Resolver = new(new TrustedProxies(["10.0.0.0/8"]));
    private static readonly IpKey Peer = IpKey.From(System.Net.IPAddress.Parse("10.0.0.1"));
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly string[] ProxyHeaders =
    [
        "PROXY TCP4 198.51.100.1 192.0.2.1 4711 9000\r\n",
        "PROXY TCP6 2001:db8::1 2001:db8::2 4711 9000\r\n",
        "PROXY UNKNOWN\r\n",
        $"{Signature}\u0020\0\0\0",
        $"{Signature}\u0021\u0011\0\u000C\u00C6\u0033\u0064\u0001\u00C0\0\u0002\u0001\u0012\u0067\u0023\u0028",
    ];

    private static readonly string[] Lines =
    [
        "Sec-WebSocket-Protocol: a\r\n", "Sec-WebSocket-Protocol: token.a, b\r\n", "Sec-WebSocket-Protocol: b, c\r\n", "Sec-WebSocket-Protocol: \u007F\r\n", "Sec-WebSocket-Protocol: ,\r\n", "Sec-WebSocket-Protocol:\t\u00E4 \r\n",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n", "X-Forwarded-For: 198.51.100.1\r\n", "X-Forwarded-For: \u00E9, ::1\r\n", "Forwarded: for=_x\r\n", "Cookie: \u00FF=\u0080\r\n",
        "Connection: keep-alive\r\n", "Upgrade: h2c\r\n", "Content-Length: 0\r\n", "Expect: 100-continue\r\n", "Origin: null\r\n", "Sec-WebSocket-Version: 8\r\n", "a:\r\n",
    ];

    [ThreadStatic]
    private static RequestHead? _head;

    [ThreadStatic]
    private static EngineAnswers? _answers;

    public static readonly FuzzTarget Target = new(
        "handshakes",
        Try,
        FuzzTarget.Bytes(
            Request("/", ""),
            ProxyHeaders[0] + Request("/ws?x=1", "Sec-WebSocket-Protocol: a, b\r\n"),
            ProxyHeaders[4] + Request("/", "X-Forwarded-For: 198.51.100.1\r\n"),
            Request("/federation", ""),
            Request("/", "").Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal),
            Request("/", "").Replace("AA==", "AB==", StringComparison.Ordinal),
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"),
        FuzzTarget.Bytes([.. Lines, .. ProxyHeaders, "\r\n", ",", "\u007F", "\u0080", "websocket", "Upgrade", "13", "=", " ", "\t"]),
        Grow);

    private static string Request(string target, string lines) =>
        $"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{lines}\r\n";

    private static void Grow(FuzzInputs random)
    {
        random.Append(random.Any<string>(["", random.Any<string>(ProxyHeaders)]));
        var lines = string.Concat(Enumerable.Range(0, random.Below(5)).Select(_ => random.Any<string>(Lines)));
        var key = new byte[16];
        Array.Fill(key, (byte)random.Below(256));
        random.Append(Request(random.Any<string>(["/", "/", "/ws", "/?a=%ff", "/stats", "/a/./b", "//"]), lines)
            .Replace("AAAAAAAAAAAAAAAAAAAAAA==", Convert.ToBase64String(key), StringComparison.Ordinal));
        random.Append(random.Any<string>(["", "\u0081\u0080\0\0\0\0"]));
    }

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        var bytes = input.ToArray();
        var isExpected = random.Below(2) == 0;
        var verdict = Decide(bytes, isExpected);

        // Of what has come so far nothing is decided that the rest could change.
        var early = Decide(bytes[..random.Below(bytes.Length + 1)], isExpected);
        FuzzTarget.Promise(early == "waits" || early == verdict, $"decided '{early}' early, and '{verdict}' in the end");
        return verdict;
    }

    private static string Decide(byte[] bytes, bool isProxyExpected)
    {
        var claim = default(ProxyClaim);
        var length = 0;
        var sequence = new ReadOnlySequence<byte>(bytes);
        var proxy = isProxyExpected ? ProxyHeader.Read(sequence, out claim, out length) : ProxyHeader.Peek(sequence);
        if (bytes.Length == 0 || proxy == ProxyHeaderStatus.Incomplete)
        {
            return "waits";
        }

        if (proxy != (isProxyExpected ? ProxyHeaderStatus.Complete : ProxyHeaderStatus.Absent))
        {
            return "closed for its PROXY header";
        }

        var rest = bytes.AsSpan(length).ToArray();
        var head = _head ??= new RequestHead();
        var status = head.Parse(rest);
        if (status != HeadStatus.Complete)
        {
            return status == HeadStatus.Incomplete ? "waits" : "no request";
        }

        StringValues Header(string name) => head.Header(rest, name);
        Resolver.Resolve(ClientAddressRule.Default, Peer, Header, claim);
        var isForEngine = ClientRequest.IsOne(head, rest, out var key);
        var request = new UpgradeRequest(
            Encoding.Latin1.GetString(head.Method(rest)), Header, Peer, claim, ClientAddressRule.Default, static () => "",
            IsUpgrade: head.IsHttp11 && head.HasListElement(rest, "connection"u8, "upgrade"u8));
        var fault = WebSocketHandshake.Check(request);
        if (fault is not null)
        {
            CheckAnswer(fault);
        }

        if (!isForEngine)
        {
            return WebSocketHandshake.IsRequested(head.IsHttp11, Header("Upgrade")) ? fault is null ? "a handshake for Kestrel" : "no handshake" : "no upgrade";
        }

        // The engine leaves the list of subprotocols to the common check, and nothing else.
        FuzzTarget.Promise(fault is null || !StringValues.IsNullOrEmpty(Header("Sec-WebSocket-Protocol")), $"the engine takes what is refused with '{fault?.Text}'");
        if (fault is null)
        {
            CheckUpgrade(key, request.Subprotocol, Header("Sec-WebSocket-Protocol"));
        }

        return fault is null ? "upgraded" : "refused for its subprotocols";
    }

    private static void CheckUpgrade(ReadOnlySpan<byte> key, string? subprotocol, StringValues offered)
    {
        var answers = _answers ??= new EngineAnswers();
        var lines = Encoding.UTF8.GetString(answers.Upgrade(key, subprotocol).Span).Split("\r\n");
#pragma warning disable CA5350 // RFC 6455 asks for SHA-1.
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(key) + Guid)));
#pragma warning restore CA5350
        string[] expected =
        [
            "HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", $"Sec-WebSocket-Accept: {accept}",
            .. subprotocol is null ? Array.Empty<string>() : [$"Sec-WebSocket-Protocol: {subprotocol}"], "", "",
        ];
        FuzzTarget.Promise(lines.SequenceEqual(expected), $"the answer is {string.Join('|', lines)}");
        FuzzTarget.Promise(
            subprotocol is null || (HttpToken.Is(subprotocol) && offered.ToString().Split(',').Any(offer => offer.Trim(' ', '\t') == subprotocol) && !subprotocol.StartsWith("token.", StringComparison.Ordinal)),
            "a subprotocol that was not offered, or a token");
    }

    private static void CheckAnswer(HttpAnswer answer)
    {
        var answers = _answers ??= new EngineAnswers();
        var text = Encoding.UTF8.GetString(answers.Refuse(answer, Now).Span);
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        FuzzTarget.Promise(
            text.StartsWith($"HTTP/1.1 {answer.Status} ", StringComparison.Ordinal) && text[(end + 4)..] == answer.Text + "\n",
            $"the refusal is {text}");
    }
}
