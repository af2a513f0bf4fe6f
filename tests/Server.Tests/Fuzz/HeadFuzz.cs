using System.Text;
using Relay.Transport.Engine;

namespace Server.Tests.Fuzz;

/// <summary>Request heads: whole and split anywhere they must say what the slow reading says.</summary>
internal static class HeadFuzz
{
    private const string Upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n";

    [ThreadStatic]
    private static RequestHead? _head;

    public static readonly FuzzTarget Target = new(
        "request heads",
        Try,
        FuzzTarget.Bytes(
            $"GET / HTTP/1.1\r\nHost: relay.example\r\n{Upgrade}\r\n",
            $"GET /ws?x=1 HTTP/1.1\r\nhost: [2001:db8::1]:9000\r\n{Upgrade}Sec-WebSocket-Protocol: a, b\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n\u0081\u0080\0\0\0\0",
            $"GET /a HTTP/1.1\r\nHost:192.0.2.1:80\t\r\nconnection: keep-alive, upgrade\r\nUPGRADE: h2c,\tWebSocket\r\nCookie: \u00E4\u00FF; b=\"c\"\r\nEmpty:\r\n\r\n",
            $"GET /%61dmin/ws HTTP/1.1\r\nHost: a\r\n{Upgrade}\r\n",
            $"GET /a/../server HTTP/1.1\r\nHost: a\r\n{Upgrade}\r\n",
            $"GET / HTTP/1.0\r\n{Upgrade}\r\n",
            "POST /stats HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            $"GET http://a/b HTTP/1.1\r\nHost: a\r\n{Upgrade}\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: a\r\n\r\nGET /ready HTTP/1.1\r\nHost: a\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\u0016\u0003\u0001\u0002\0\u0001\0\u0001",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            $"GET / HTTP/1.1\r\nHost: a\r\n{string.Concat(Enumerable.Repeat("a:\r\n", RequestHead.MaxHeaders - 1))}\r\n"),
        FuzzTarget.Bytes(
            "\r\n", "\r\n\r\n", "\r", "\n", " ", "\t", ":", ",", "\0", "\u007F", "\u0080", "\u00E4", "\r\n ", "\r\n\t", " :", "%00", "%", "/.", "?", "#", "@", "\\",
            "Host: b\r\n", "Host:\r\n", "Content-Length: 0\r\n", "Content-Length: 1, 1\r\n", "Content-Length: +1\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: \tchunked, x\r\n",
            "Transfer_Encoding: chunked\r\n", "Sec-WebSocket-Key: b\r\n", "Sec-WebSocket-Version: 8\r\n", "Upgrade: x\r\n", "Connection: close\r\n", "a:\r\n", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "chunked", "websocket", "["));

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        var head = _head ??= new RequestHead();
        var read = Compare(head, input.ToArray(), left => 1 + random.Below(left));
        if (read.Status == HeadStatus.Complete)
        {
            WriteBack(head, read);
        }

        return read.Status != HeadStatus.Complete ? $"{read.Status}" : read.IsForEngine ? "complete, for the engine" : "complete, for Kestrel";
    }

    /// <summary>Holds the parser to the slow reading, on the bytes at once and in pieces.</summary>
    /// <param name="head">The parser; what it parsed before must not matter.</param>
    /// <param name="bytes">An array of exactly this length: reading past the input throws.</param>
    /// <param name="nextPiece">How many bytes come next, at least 1 and at most as many as are left, which it is told.</param>
    public static SlowHead Compare(RequestHead head, byte[] bytes, Func<int, int> nextPiece)
    {
        var expected = SlowHead.Read(bytes);
        Same(expected, head, bytes, head.Parse(bytes));
        var status = HeadStatus.Incomplete;
        byte[] arrived = [];
        for (var seen = 0; seen < bytes.Length && status == HeadStatus.Incomplete; seen = arrived.Length)
        {
            arrived = bytes[..(seen + nextPiece(bytes.Length - seen))];
            status = head.Parse(arrived, seen);
        }

        Same(expected, head, arrived, status);
        return expected;
    }

    private static void WriteBack(RequestHead head, SlowHead read)
    {
        var lines = read.Headers.Select(header => $"{header.Name}:{header.Value}\r\n");
        var text = $"{read.Method} {read.Target} HTTP/1.{(read.IsHttp11 ? 1 : 0)}\r\n{string.Concat(lines)}\r\n";
        var bytes = Encoding.Latin1.GetBytes(text);
        Same(read with { Length = bytes.Length }, head, bytes, head.Parse(bytes));
    }

    private static void Same(SlowHead expected, RequestHead head, byte[] bytes, HeadStatus status)
    {
        FuzzTarget.Promise(status == expected.Status && head.Length == expected.Length, $"{status} with {head.Length} bytes, not {expected.Status} with {expected.Length}");
        if (status != HeadStatus.Complete)
        {
            return;
        }

        FuzzTarget.Promise(Encoding.Latin1.GetString(head.Method(bytes)) == expected.Method, "another method");
        FuzzTarget.Promise(Encoding.Latin1.GetString(head.Target(bytes)) == expected.Target, "another target");
        FuzzTarget.Promise(head.IsHttp11 == expected.IsHttp11, "another version");
        FuzzTarget.Promise(HeadRoad.IsForEngine(head, bytes) == expected.IsForEngine, "another road");
        foreach (var name in expected.Headers.Select(header => header.Name).Append("x-absent").Distinct())
        {
            var values = expected.Values(name);
            FuzzTarget.Promise(head.Header(bytes, name).ToArray().SequenceEqual(values), $"another {name}");
            FuzzTarget.Promise(head.CountOf(bytes, Encoding.ASCII.GetBytes(name)) == values.Length, $"another number of {name}");
            FuzzTarget.Promise(
                head.TryFind(bytes, Encoding.ASCII.GetBytes(name), out var first) == values.Length > 0 && Encoding.Latin1.GetString(first) == values.FirstOrDefault(""),
                $"another first {name}");
        }
    }
}
