using System.Text;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport.RawWire;

/// <summary>What RFC 6455 sections 5 to 7 allow a client to send, and what a server must make of it.</summary>
public sealed class FramesTests(WireServer wire) : IClassFixture<WireServer>
{
    private const string Pong = """{"type":"pong"}""";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    public async Task Ping_AnyPayload_ComesBackExactly(int length)
    {
        var payload = new byte[length];
        Random.Shared.NextBytes(payload);
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync(Masked(0x89, payload));
        await raw.ExpectAsync([0x8A, (byte)length, .. payload]);
        await GoesOnAsync(raw);
    }

    [Fact]
    public async Task Pings_ManyInOneSegment_AreAnsweredInOrderAndUnaskedPongsNotAtAll()
    {
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync([.. Enumerable.Range(0, 50).SelectMany(number => Masked(0x89, [(byte)number]).Concat(Masked(0x8A, [(byte)number])))]);
        Assert.Equal(Enumerable.Range(0, 50).SelectMany(number => new byte[] { 0x8A, 1, (byte)number }), await raw.ReadBytesAsync(150));
        await GoesOnAsync(raw);
    }

    [Fact]
    public async Task ControlFrames_BetweenFragments_AreAnsweredBeforeTheMessageIs()
    {
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync([.. Masked(0x01, "{\"type\""), .. Masked(0x89, "1"), .. Masked(0x00, ""), .. Masked(0x8A, "x"), .. Masked(0x00, ":\"ping\""), .. Masked(0x89, ""), .. Masked(0x80, "}")]);
        await raw.ExpectAsync([0x8A, 1, (byte)'1', 0x8A, 0]);
        Assert.Equal(Pong, await raw.ReadTextAsync());
    }

    [Theory]
    [InlineData(0x1)]
    [InlineData(0x2)]
    public async Task Message_OneByteAFragment_IsOneMessage(int opcode)
    {
        var bytes = Encoding.UTF8.GetBytes("""{"type":"ping","x":"κόσμε 😀"}""");
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync([.. bytes.SelectMany((value, at) => Masked((at == 0 ? opcode : 0) | (at == bytes.Length - 1 ? 0x80 : 0), [value]))]);
        Assert.Equal(Pong, await raw.ReadTextAsync());
    }

    [Fact]
    public async Task Text_SplitAtEveryByte_IsTheSameText()
    {
        var bytes = Encoding.UTF8.GetBytes("""{"type":"ping","x":"é κ 😀"}""");
        var frame = Masked(0x81, bytes);
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        for (var at = 0; at <= bytes.Length; at++)
        {
            await raw.WriteAsync([.. Masked(0x01, bytes[..at]), .. Masked(0x80, bytes[at..])]);
            Assert.Equal(Pong, await raw.ReadTextAsync());
        }

        for (var at = 1; at < frame.Length; at++)
        {
            await raw.WriteAsync(frame[..at]);
            await raw.WriteAsync(frame[at..]);
            Assert.Equal(Pong, await raw.ReadTextAsync());
        }
    }

    [Theory]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(262_144)]
    public async Task Message_AtTheEdgeOfALength_IsTaken(int length)
    {
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync(Masked(0x81, """{"type":"ping"}""".PadRight(length)));
        Assert.Equal(Pong, await raw.ReadTextAsync());
    }

    [Fact]
    public async Task Message_TooLongWhole_Is1009AlsoWhenAllOfItCame()
    {
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync(Masked(0x81, new byte[262_145]));
        Assert.Equal((1009, ""), await raw.ReadCloseAsync());
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(1002)]
    [InlineData(1003)]
    [InlineData(1007)]
    [InlineData(1008)]
    [InlineData(1009)]
    [InlineData(1010)]
    [InlineData(1011)]
    [InlineData(1012)]
    [InlineData(1013)]
    [InlineData(1014)]
    [InlineData(3000)]
    [InlineData(3999)]
    [InlineData(4000)]
    [InlineData(4999)]
    public async Task Close_WithACodeAndAReason_ComesBackExactlyAndThatIsAll(int code)
    {
        byte[] payload = [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes("auf Wiedersehen, κόσμε")];
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync([.. Masked(0x88, payload), .. Masked(0x89, "late"), .. Masked(0x83, "wrong")]);
        await raw.ExpectLastAsync([0x88, (byte)payload.Length, .. payload]);
    }

    [Fact]
    public async Task Close_WithoutACodeOrWithTheLongestReason_ComesBackExactly()
    {
        foreach (var payload in new byte[][] { [], [0x03, 0xE8], [0x03, 0xE8, .. Enumerable.Repeat((byte)'r', 123)] })
        {
            await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
            await raw.WriteAsync(Masked(0x88, payload));
            await raw.ExpectLastAsync([0x88, (byte)payload.Length, .. payload]);
        }
    }

    [Fact]
    public async Task Close_BetweenFragments_EndsTheConnection()
    {
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync([.. Masked(0x01, "{"), .. Masked(0x88, [0x03, 0xE8])]);
        await raw.ExpectLastAsync([0x88, 0x02, 0x03, 0xE8]);
    }

    // A second close, more of a message, a long one: whatever follows the close frame has no answer.
    [Theory]
    [InlineData("8882000000000FA1")]
    [InlineData("80810000000061")]
    [InlineData("81FF0000000000040000")]
    public async Task Close_WithMoreBehindIt_IsAnsweredOnce(string hex)
    {
        await using var raw = await RawWebSocket.OpenAsync(wire.Relay);
        await raw.WriteAsync([.. Masked(0x01, "{"), .. Masked(0x88, [0x03, 0xE8]), .. Convert.FromHexString(hex), .. new byte[20_000]]);
        await raw.ExpectLastAsync([0x88, 0x02, 0x03, 0xE8]);
    }

    // The head and the first frames may come in one segment.
    [Fact]
    public async Task Frames_RightBehindTheRequest_AreAnswered()
    {
        await using var raw = await RawWebSocket.DialAsync(wire.Relay);
        await raw.WriteAsync([.. Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: localhost\r\n{RawWebSocket.Upgrade}\r\n"), .. Masked(0x81, """{"type":"ping"}""")]);
        Assert.StartsWith("HTTP/1.1 101 ", await raw.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Contains("server_info", await raw.ReadTextAsync(), StringComparison.Ordinal);
        Assert.Contains("server_identity", await raw.ReadTextAsync(), StringComparison.Ordinal);
        Assert.Equal(Pong, await raw.ReadTextAsync());
    }

    private static async Task GoesOnAsync(RawWebSocket raw)
    {
        await raw.WriteAsync(Masked(0x81, """{"type":"ping"}"""));
        Assert.Equal(Pong, await raw.ReadTextAsync());
    }

    private static byte[] Masked(int first, string payload) => Masked(first, Encoding.UTF8.GetBytes(payload));

    // With a key that leaves no byte as it is.
    private static byte[] Masked(int first, byte[] payload)
    {
        byte[] key = [0x37, 0xFA, 0x21, 0x3D];
        var frame = RawWebSocket.Frame(first, [.. payload.Select((value, at) => (byte)(value ^ key[at % 4]))]);
        key.CopyTo(frame, frame.Length - payload.Length - key.Length);
        return frame;
    }
}
