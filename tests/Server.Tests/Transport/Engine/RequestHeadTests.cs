using System.Text;
using CsCheck;
using Relay.Transport.Engine;
using Server.Tests.Fuzz;

namespace Server.Tests.Transport.Engine;

public sealed class RequestHeadTests
{
    private const string Upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n";

    private readonly RequestHead _head = new();

    [Fact]
    public void Parse_AnUpgrade_SaysWhereEverythingIs()
    {
        var bytes = Bytes($"GET /ws?a=b HTTP/1.1\r\nHost: relay.example:9000\r\n{Upgrade}X-Forwarded-For:  198.51.100.1 \t\r\nx-forwarded-for: 198.51.100.2\r\n\r\n\u0081\u0080");

        Assert.Equal(HeadStatus.Complete, _head.Parse(bytes));
        Assert.Equal(bytes.Length - 2, _head.Length);
        Assert.True(_head.IsHttp11);
        Assert.False(_head.HasBody);
        Assert.Equal("GET"u8, _head.Method(bytes));
        Assert.Equal("/ws?a=b"u8, _head.Target(bytes));
        Assert.Equal(["198.51.100.1", "198.51.100.2"], _head.Header(bytes, "X-Forwarded-For").ToArray());
        Assert.Equal(2, _head.CountOf(bytes, "x-forwarded-for"u8));
        Assert.True(_head.TryFind(bytes, "host"u8, out var host));
        Assert.Equal("relay.example:9000"u8, host);
        Assert.False(_head.TryFind(bytes, "origin"u8, out _));
        Assert.Equal(0, _head.Header(bytes, "Origin").Count);
    }

    [Fact]
    public void Parse_TheSameObjectAgain_ForgetsTheRequestBefore()
    {
        _head.Parse(Bytes($"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n{Upgrade}\r\n"));
        var bytes = Bytes("HEAD /x HTTP/1.0\r\n\r\n");

        Assert.Equal(HeadStatus.Complete, _head.Parse(bytes));
        Assert.False(_head.IsHttp11);
        Assert.False(_head.HasBody);
        Assert.Equal(0, _head.CountOf(bytes, "host"u8));
        Assert.Equal(HeadStatus.Malformed, _head.Parse("GET / HTTP/1.1\r\n\r\n"u8));
        Assert.Equal(0, _head.Length);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost:\r\n\r\n", "an empty Host, which RFC 9112 permits")]
    [InlineData("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 without a Host")]
    [InlineData("GET / HTTP/1.1\r\nHost: [::ffff:192.0.2.1]:65535\r\n\r\n", "an IPv6 Host")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: \u00C3\u00A4\u00FF\t\"\r\n\r\n", "obs-text and a tab in a value")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09aZ: x\r\n\r\n", "every sign a token may have")]
    [InlineData("get /a|\"{}# HTTP/1.1\r\nHost: a\r\n\r\n", "methods in small letters and any visible sign in a target")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "a body of no bytes")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip , Chunked\r\n\r\n", "encodings that end with chunked")]
    public void Parse_WhatHttpPermits_IsComplete(string head, string why) => Is(HeadStatus.Complete, head, why);

    [Theory]
    [InlineData("GET / HTTP/1.1\nHost: a\n\n", "lines that end with LF alone")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\n\r\n", "one line that ends with LF alone")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "a CR alone, which some take for a line end")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "a CR too many")]
    [InlineData("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "two blanks in the request line")]
    [InlineData("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", "tabs in the request line")]
    [InlineData("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "a blank behind the version")]
    [InlineData("GET / HTTP/1.1x\r\nHost: a\r\n\r\n", "a letter behind the version")]
    [InlineData("GET / http/1.1\r\nHost: a\r\n\r\n", "a version in small letters")]
    [InlineData("GET /\r\nHost: a\r\n\r\n", "HTTP/0.9")]
    [InlineData("GET\r\nHost: a\r\n\r\n", "no target")]
    [InlineData("GET /\u00E4 HTTP/1.1\r\nHost: a\r\n\r\n", "a target that is not ASCII")]
    [InlineData("GET / HTTP/1.10\r\nHost: a\r\n\r\n", "a version of three digits")]
    [InlineData("GET / HTTP/01.1\r\nHost: a\r\n\r\n", "a version with a zero before it")]
    [InlineData("GET / HTTP/1\r\nHost: a\r\n\r\n", "half a version")]
    [InlineData("GET / HTTP/1,1\r\nHost: a\r\n\r\n", "a version with a comma")]
    [InlineData("GET / HTTPS/1.1\r\nHost: a\r\n\r\n", "the version of another protocol")]
    [InlineData("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "a blank in the target")]
    [InlineData("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", "NUL in the target")]
    [InlineData("GET /a\nHost: b HTTP/1.1\r\nHost: a\r\n\r\n", "LF alone in the target")]
    [InlineData("GET /a\rHost: b HTTP/1.1\r\nHost: a\r\n\r\n", "CR alone in the target")]
    [InlineData("G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", "NUL in the method")]
    [InlineData("GET:/ HTTP/1.1\r\nHost: a\r\n\r\n", "a colon behind the method")]
    [InlineData("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "a method that is no token")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX:\0\r\n\r\n", "NUL in a value")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: a\u007Fb\r\n\r\n", "DEL in a value")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: a\u001Bb\r\n\r\n", "ESC in a value")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n", "a line without a colon")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", "no name")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX\u00E4: x\r\n\r\n", "a name that is not ASCII")]
    [InlineData("GET / HTTP/1.1\r\n Host: a\r\n\r\n", "a blank before the first name")]
    [InlineData("GET / HTTP/1.1\r\nX: y\r\n\r\n", "no Host")]
    [InlineData("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "a Host with a path")]
    [InlineData("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "a list of Hosts")]
    [InlineData("GET / HTTP/1.1\r\nHost: a%2f\r\n\r\n", "a Host with a percent")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\u00E4\r\n\r\n", "a Host that is not ASCII")]
    [InlineData("GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n", "NUL in a name")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX\ty: z\r\n\r\n", "a tab in a name")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n", "a blank in a name")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n(X): z\r\n\r\n", "a name that is no token")]
    [InlineData("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "a Host with a user")]
    [InlineData("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "a Host of two words")]
    [InlineData("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "a Host of a port alone")]
    [InlineData("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "a Host without the port after the colon")]
    [InlineData("GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", "a Host with a port that is no number")]
    [InlineData("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "a Host with half an IPv6 address")]
    [InlineData("GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", "a Host with something behind its IPv6 address")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: a\r\nSec-WebSocket-Key: a\r\n\r\n", "two keys")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n\r\n", "two versions")]
    public void Parse_WhatHttpForbids_IsMalformed(string head, string why) => Is(HeadStatus.Malformed, head, why);

    // Where a proxy and we could see two different requests in the same bytes.
    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 6\r\n", "two lengths")]
    [InlineData("Content-Length: 5\r\nContent-Length: 5\r\n", "one length twice")]
    [InlineData("Content-Length: 5, 5\r\n", "a list of lengths")]
    [InlineData("Content-Length: +5\r\n", "a sign before the length")]
    [InlineData("Content-Length: -1\r\n", "a length below zero")]
    [InlineData("Content-Length: 0x5\r\n", "a length in base 16")]
    [InlineData("Content-Length: 5 5\r\n", "a blank within the length")]
    [InlineData("Content-Length:\r\n", "an empty length")]
    [InlineData("Content-Length: 99999999999999999999\r\n", "a length beyond 64 bits")]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "CL.TE: a length and chunks")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "TE.CL: chunks and a length")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "TE.TE: chunked is not the last")]
    [InlineData("Transfer-Encoding: chunked, chunked\r\n", "chunked twice")]
    [InlineData("Transfer-Encoding: xchunked\r\n", "an encoding that looks like chunked")]
    [InlineData("Transfer-Encoding: \"chunked\"\r\n", "chunked in quotes")]
    [InlineData("Transfer-Encoding: chunked;q=1\r\n", "chunked with a parameter")]
    [InlineData("Transfer-Encoding: chunked,\r\n", "an empty last encoding")]
    [InlineData("Transfer-Encoding:\r\n", "an empty encoding")]
    [InlineData("Transfer-Encoding : chunked\r\n", "a blank before the colon")]
    [InlineData("Transfer-Encoding\t: chunked\r\n", "a tab before the colon")]
    [InlineData("Transfer-Encoding: \u000Bchunked\r\n", "a vertical tab before the value")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "chunked on two lines")]
    [InlineData("Transfer-Encoding: chunked, identity\r\n", "an encoding behind chunked")]
    [InlineData("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "identity, which is no encoding, and a length")]
    [InlineData("Transfer-Encoding: \0chunked\r\n", "NUL before chunked")]
    [InlineData("Transfer-Encoding: chunked\0\r\n", "NUL behind chunked")]
    [InlineData("\0Transfer-Encoding: chunked\r\n", "NUL before the name")]
    [InlineData("Content-Length: 5\nTransfer-Encoding: chunked\r\n", "chunks behind LF alone")]
    [InlineData("Content-Length: 5\0\r\n", "NUL behind the length")]
    [InlineData("Content-Length: 5;6\r\n", "a parameter behind the length")]
    [InlineData("Content-Length: 5.0\r\n", "a length with a point")]
    [InlineData("Content-Length: \u00B2\r\n", "a digit that is not ASCII")]
    [InlineData("X: y\r\n Transfer-Encoding: chunked\r\n", "a continued line")]
    [InlineData("Transfer-Encoding:\r\n chunked\r\n", "a value on a continued line")]
    [InlineData("X: y\nTransfer-Encoding: chunked\r\n", "a header behind LF alone")]
    [InlineData("X: y\rTransfer-Encoding: chunked\r\n", "a header behind CR alone")]
    [InlineData("X: y\0Transfer-Encoding: chunked\r\n", "a header behind NUL")]
    [InlineData("Host: b\r\n", "two hosts")]
    [InlineData("host: a\r\n", "one host twice")]
    public void Parse_RequestSmuggling_IsMalformed(string headers, string why) =>
        Is(HeadStatus.Malformed, $"GET / HTTP/1.1\r\nHost: a\r\n{Upgrade}{headers}\r\n", why);

    [Fact]
    public void Parse_ChunksInHttp10_IsMalformed() => Is(HeadStatus.Malformed, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 has no chunks");

    // A header that is not the one it looks like has no say.
    [Theory]
    [InlineData("Transfer_Encoding: chunked\r\n")]
    [InlineData("Content-Length.: 5\r\n")]
    [InlineData("X-Host: b\r\n")]
    public void Parse_ALookAlikeOfABodyHeader_IsAnyHeader(string headers)
    {
        Is(HeadStatus.Complete, $"GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n", "a name like any other");
        Assert.False(_head.HasBody);
    }

    [Theory]
    [InlineData("\u0016\u0003\u0001", "TLS")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n", "a PROXY header, version 2")]
    [InlineData("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "a blank line before the request")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2")]
    [InlineData("GET / HTTP/1.2\r\nHost: a\r\n\r\n", "a version that nobody has")]
    public void Parse_AnotherProtocol_IsNotHttp(string bytes, string what) => Is(HeadStatus.NotHttp, bytes, what);

    [Fact]
    public void Parse_TheLongestHead_IsCompleteAndOneByteMoreIsTooLong()
    {
        var start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        var room = RequestHead.MaxBytes - start.Length - 4;

        Is(HeadStatus.Complete, $"{start}{new string('x', room)}\r\n\r\n", "just as long as is read");
        Assert.Equal(RequestHead.MaxBytes, _head.Length);
        Is(HeadStatus.TooLong, $"{start}{new string('x', room + 1)}\r\n\r\n", "one byte too long");
        Is(HeadStatus.Incomplete, $"{start}{new string('x', room + 3)}", "one byte may still come");
        Is(HeadStatus.TooLong, $"{start}{new string('x', room + 4)}", "no end can come");
    }

    [Fact]
    public void Parse_OneTokenWithoutAnEnd_IsTooLong()
    {
        Is(HeadStatus.TooLong, new string('G', RequestHead.MaxBytes), "a method");
        Is(HeadStatus.TooLong, $"GET /{new string('a', RequestHead.MaxBytes)} HTTP/1.1\r\nHost: a\r\n\r\n", "a target");
        Is(HeadStatus.TooLong, $"GET / HTTP/1.1\r\nHost: a\r\n{new string('X', RequestHead.MaxBytes)}: y\r\n\r\n", "a name");
    }

    [Fact]
    public void Parse_OneHeaderTooMany_IsTooLong()
    {
        Is(HeadStatus.Complete, $"GET / HTTP/1.1\r\nHost: a\r\n{Lines(RequestHead.MaxHeaders - 1)}\r\n", "as many as are kept");
        Is(HeadStatus.TooLong, $"GET / HTTP/1.1\r\nHost: a\r\n{Lines(RequestHead.MaxHeaders)}\r\n", "one more");

        static string Lines(int count) => string.Concat(Enumerable.Range(0, count).Select(line => $"x{line}:\r\n"));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n", true)]
    [InlineData("GET /a.b/c?%00/../ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: upgrade\r\nUpgrade: h2c\r\nUpgrade: x,websocket\r\n", true)]
    [InlineData("GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("get / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websockets\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrades\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", false)]
    [InlineData("GET /%61dmin/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET /x/../server HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET http://b/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET a:80 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET * HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("CONNECT a:80 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n", true)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: \"Upgrade\"\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket/13\r\n", false)]
    public void Road_ARequest_IsTheEnginesOnlyWhenItIsAPlainUpgrade(string head, bool isForEngine)
    {
        Is(HeadStatus.Complete, head + "\r\n", head);
        Assert.Equal(isForEngine, HeadRoad.IsForEngine(_head, Bytes(head + "\r\n")));
    }

    [Fact]
    public void Parse_WhatWasSeenBefore_IsNotSearchedAgain()
    {
        var bytes = Bytes($"GET / HTTP/1.1\r\nHost: a\r\nX: {new string('x', 4000)}");
        Assert.Equal(HeadStatus.Incomplete, _head.Parse(bytes));
        byte[] more = [.. bytes, (byte)'y'];

        // Would be malformed if anybody looked.
        more.AsSpan(1, bytes.Length - 8).Clear();

        Assert.Equal(HeadStatus.Incomplete, _head.Parse(more, bytes.Length));
    }

    [Fact]
    public void Parse_Anything_AllocatesNothing()
    {
        var bytes = Bytes($"GET /ws HTTP/1.1\r\nHost: relay.example\r\n{Upgrade}Cookie: {new string('c', 1000)}\r\nTransfer-Encoding: a, chunked\r\n\r\n");
        Assert.True(Once());
        var before = GC.GetAllocatedBytesForCurrentThread();
        var isFound = true;
        for (var i = 0; i < 1000; i++)
        {
            isFound &= Once();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(isFound);

        bool Once() => _head.Parse(bytes.AsSpan(0, 500)) == HeadStatus.Incomplete
            && _head.Parse(bytes, 500) == HeadStatus.Complete
            && _head.TryFind(bytes, "sec-websocket-key"u8, out _)
            && _head.CountOf(bytes, "cookie"u8) == 1
            && _head.HasListElement(bytes, "transfer-encoding"u8, "chunked"u8)
            && !HeadRoad.IsForEngine(_head, bytes);
    }

    [Fact]
    public void Parse_RandomHeadsInRandomPieces_SayWhatTheSlowReadingSays()
    {
        var line = Gen.OneOf(
            Gen.OneOf("GET / HTTP/1.1", "GET /ws HTTP/1.1", "POST / HTTP/1.0", "GET /", "PRI * HTTP/2.0", ""),
            Gen.OneOf("Host: a", "Host: b:1", "Connection: Upgrade", "Upgrade: websocket", "Content-Length: 1", "Transfer-Encoding: chunked", " folded", "no colon"),
            Gen.Select(Gen.OneOf("A", "b-c", "X"), Gen.String[Gen.Char['\u0000', '\u00FF'], 0, 20], (name, value) => $"{name}: {value}"),
            Gen.Int[0, 9000].Select(length => $"Long: {new string('l', length)}"));
        var start = Gen.Frequency((9, Gen.Const("GET / HTTP/1.1\r\nHost: a\r\n")), (1, Gen.Const("")));
        var end = Gen.OneOf("\r\n", "\r\n\r\n", "\r\n\r", "", "\n", "\r\n\r\nmore\0");
        Gen.Select(start, line.Array[0, 8], end, Gen.Int[1, 3000].Array[1, 6]).Sample(
            (first, lines, last, pieces) =>
            {
                var next = 0;
                HeadFuzz.Compare(new RequestHead(), Bytes(first + string.Join("\r\n", lines) + last), left => Math.Min(left, pieces[next++ % pieces.Length]));
            },
            iter: 2000);
    }

    // At once, byte by byte, and with nobody remembering what was seen: always the same verdict.
    private void Is(HeadStatus expected, string text, string why)
    {
        var bytes = Bytes(text);
        Assert.True(expected == _head.Parse(bytes), why);
        var status = HeadStatus.Incomplete;
        for (var length = 1; length <= bytes.Length && status == HeadStatus.Incomplete; length++)
        {
            status = _head.Parse(bytes.AsSpan(0, length), length - 1);
            Assert.True(status == new RequestHead().Parse(bytes.AsSpan(0, length)), $"{why}, after {length} bytes");
        }

        Assert.True(expected == status, $"{why}, byte by byte: {status}");
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}
