using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport.RawWire;

/// <summary>What RFC 6455 sections 5 to 7 forbid a client to send, and the close code that answers it, however the bytes are cut.</summary>
public sealed class ViolationsTests(WireServer wire) : IClassFixture<WireServer>
{
    private const int ProtocolError = 1002;
    private const int NotUtf8 = 1007;
    private const int TooBig = 1009;

    public static TheoryData<string, string, int> Violations
    {
        get
        {
            var data = new TheoryData<string, string, int>();
            foreach (var (what, bytes, code) in All())
            {
                data.Add(what, Convert.ToHexString(bytes), code);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task Frame_Forbidden_IsAnsweredWithItsCodeAndTheEnd(string what, string hex, int code)
    {
        var bytes = Convert.FromHexString(hex);
        await using var whole = await RawWebSocket.OpenAsync(wire.Relay);
        await whole.WriteAsync(bytes);
        await ExpectCloseAsync(whole, what, code);

        await using var cut = await RawWebSocket.OpenAsync(wire.Relay);
        await WriteInPiecesAsync(cut, bytes);
        await ExpectCloseAsync(cut, what, code);
    }

    // What does not need the rest of the message to be wrong is not waited for.
    [Theory]
    [InlineData("0185000000007B22FF", NotUtf8)] // a fragment of 5 bytes, of which 3 have come
    [InlineData("81FE03E800000000ED A0", NotUtf8)] // half a surrogate's third byte is not needed
    [InlineData("81FF0000000100000000", TooBig)] // 4 GiB announced, no mask and no payload yet
    [InlineData("8101", ProtocolError)] // not masked
    [InlineData("89FE", ProtocolError)] // a ping of more than 125 bytes
    [InlineData("09", ProtocolError)] // a fragmented ping
    [InlineData("C1", ProtocolError)]
    [InlineData("83", ProtocolError)]
    [InlineData("80", ProtocolError)]
    public async Task Frame_WrongFromItsFirstBytes_IsAnsweredAtOnce(string hex, int code)
    {
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
        await ExpectCloseAsync(raw, hex, code);
    }

    [Fact]
    public async Task Frames_AfterAViolation_AreNotAnswered()
    {
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync([.. Text("""{"type":"ping"}"""), .. Frame(0x83, "x"), .. Text("""{"type":"ping"}"""), .. Frame(0x89, "late")]);
        Assert.Equal("""{"type":"pong"}""", await raw.ReadTextAsync());
        await raw.ExpectLastAsync([0x88, 0x02, 0x03, 0xEA]);
    }

    [Fact]
    public async Task Continuation_OfAMessageThatIsOver_IsAViolation()
    {
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync([.. Frame(0x01, "{\"type\":"), .. Frame(0x80, "\"ping\"}"), .. Frame(0x80, "")]);
        Assert.Equal("""{"type":"pong"}""", await raw.ReadTextAsync());
        await ExpectCloseAsync(raw, "a continuation", ProtocolError);
    }

    private static IEnumerable<(string What, byte[] Bytes, int Code)> All()
    {
        foreach (var first in new byte[] { 0x81, 0x82, 0x01, 0x88, 0x89, 0x8A })
        {
            yield return ($"not masked: {first:X2}", [first, 0x02, 0x03, 0xE8], ProtocolError);
            yield return ($"not masked and empty: {first:X2}", [first, 0x00], ProtocolError);
            foreach (var reserved in new byte[] { 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70 })
            {
                yield return ($"reserved bits {reserved:X2}: {first:X2}", Frame(first | reserved, "{}"), ProtocolError);
            }
        }

        yield return ("reserved bit in a continuation", [.. Frame(0x01, "{"), .. Frame(0xC0, "}")], ProtocolError);
        foreach (var opcode in new[] { 3, 4, 5, 6, 7, 11, 12, 13, 14, 15 })
        {
            yield return ($"reserved opcode {opcode}", Frame(0x80 | opcode, ""), ProtocolError);
            yield return ($"reserved opcode {opcode}, fragmented", Frame(opcode, "x"), ProtocolError);
            yield return ($"reserved opcode {opcode} between fragments", [.. Frame(0x01, "{"), .. Frame(0x80 | opcode, "")], ProtocolError);
        }

        yield return ("125 bytes in a 16-bit length", [0x81, 0xFE, 0, 125, 0, 0, 0, 0, .. new byte[125]], ProtocolError);
        yield return ("no bytes in a 16-bit length", [0x81, 0xFE, 0, 0, 0, 0, 0, 0], ProtocolError);
        yield return ("65,535 bytes in a 64-bit length", [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0], ProtocolError);
        yield return ("1 byte in a 64-bit length", [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x20], ProtocolError);
        yield return ("a length of 2^63", [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], ProtocolError);

        foreach (var opcode in new[] { 8, 9, 10 })
        {
            yield return ($"fragmented control frame {opcode}", Frame(opcode, ""), ProtocolError);
            yield return ($"control frame {opcode} of 126 bytes", Frame(0x80 | opcode, new string('x', 126)), ProtocolError);
            yield return ($"fragmented control frame {opcode} between fragments", [.. Frame(0x01, "{"), .. Frame(opcode, "")], ProtocolError);
        }

        yield return ("a continuation of nothing", Frame(0x80, "x"), ProtocolError);
        yield return ("a continuation of nothing, and more to come", Frame(0x00, "x"), ProtocolError);
        yield return ("a text within a fragmented text", [.. Frame(0x01, "{"), .. Frame(0x81, "}")], ProtocolError);
        yield return ("bytes within a fragmented text", [.. Frame(0x01, "{"), .. Frame(0x02, "}")], ProtocolError);
        yield return ("a text within fragmented bytes", [.. Frame(0x02, "{"), .. Frame(0x01, "}")], ProtocolError);

        yield return ("a close of one byte", RawWebSocket.Frame(0x88, [3]), ProtocolError);
        foreach (var code in new[] { 0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535 })
        {
            yield return ($"a close with {code}", RawWebSocket.Frame(0x88, [(byte)(code >> 8), (byte)code]), ProtocolError);
        }

        foreach (var (what, text) in NoUtf8())
        {
            yield return ($"a close with {what}", RawWebSocket.Frame(0x88, [0x03, 0xE8, .. text]), NotUtf8);
            yield return ($"a text with {what}", RawWebSocket.Frame(0x81, [0x22, .. text, 0x22]), NotUtf8);
            yield return ($"fragments with {what}", [.. Frame(0x01, "a"), .. text.SelectMany(value => RawWebSocket.Frame(0x00, [value])), .. Frame(0x80, "b")], NotUtf8);
        }

        yield return ("a text that ends within a character", RawWebSocket.Frame(0x81, [0x22, 0xE2, 0x82]), NotUtf8);
        yield return ("fragments that end within a character", [.. RawWebSocket.Frame(0x01, [0xF0, 0x9F]), .. RawWebSocket.Frame(0x80, [0x98])], NotUtf8);
        yield return ("one byte too many", [0x81, 0xFF, 0, 0, 0, 0, 0, 0x04, 0, 0x01, 0, 0, 0, 0], TooBig);
        yield return ("4 EiB", [0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], TooBig);
        yield return ("a continuation too many", [.. Frame(0x01, "{}"), 0x80, 0xFF, 0, 0, 0, 0, 0, 0x03, 0xFF, 0xFF, 0, 0, 0, 0], TooBig);
    }

    private static IEnumerable<(string What, byte[] Text)> NoUtf8() =>
    [
        ("a byte that no character begins with", [0xFF]),
        ("a continuation byte alone", [0x80]),
        ("a character cut short", [0xE2, 0x82, 0x41]),
        ("an overlong slash", [0xC0, 0xAF]),
        ("an overlong character of three bytes", [0xE0, 0x80, 0xAF]),
        ("half a surrogate pair", [0xED, 0xA0, 0x80]),
        ("a character above U+10FFFF", [0xF4, 0x90, 0x80, 0x80]),
        ("five bytes for one character", [0xF8, 0x88, 0x80, 0x80, 0x80]),
    ];

    private static byte[] Text(string text) => Frame(0x81, text);

    private static byte[] Frame(int first, string payload) => RawWebSocket.Frame(first, System.Text.Encoding.Latin1.GetBytes(payload));

    // One by one, as far as the server takes them: it may be through with the connection before the last.
    private static async Task WriteInPiecesAsync(RawWebSocket raw, byte[] bytes)
    {
        try
        {
            foreach (var next in bytes)
            {
                await raw.WriteAsync([next]);
            }
        }
        catch (IOException)
        {
            // The end came early, which the caller looks at.
        }
    }

    private static async Task ExpectCloseAsync(RawWebSocket raw, string what, int code)
    {
        var found = Convert.ToHexString(await raw.ReadBytesAsync(4));
        Assert.True(found == $"8802{code:X4}", $"{what}: {found}");

        // Nothing but the end follows; without our FIN the server would wait a second for a close frame.
        raw.EndSending();
        Assert.Empty(await raw.ReadBytesAsync(1));
    }
}
