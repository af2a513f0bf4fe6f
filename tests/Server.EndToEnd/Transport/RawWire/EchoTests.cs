using System.Text;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport.RawWire;

/// <summary>The echo that conformance suites from outside talk to returns every message as it came.</summary>
public sealed class EchoTests(EchoFixture echo) : IClassFixture<EchoFixture>
{
    [Fact]
    public async Task Echo_TextAndBytesOfEveryLength_ComeBackExactly()
    {
        await using var raw = await RawWebSocket.OpenAsync(echo.Port);
        foreach (var length in new[] { 0, 1, 125, 126, 127, 128, 65_535, 65_536, 1_000_000 })
        {
            var bytes = new byte[length];
            Array.Fill(bytes, (byte)'x');
            await raw.WriteFrameAsync(0x81, bytes);
            var text = await raw.ReadFrameAsync();
            Array.Fill(bytes, (byte)0xFF);
            await raw.WriteAsync([.. RawWebSocket.Frame(0x02, bytes[..(length / 2)]), .. RawWebSocket.Frame(0x89, [1]), .. RawWebSocket.Frame(0x80, bytes[(length / 2)..])]);
            Assert.Equal((1, length, true), (text.Opcode, text.Payload.Length, text.Payload.All(value => value == 'x')));
            await raw.ExpectAsync([0x8A, 1, 1]);
            var binary = await raw.ReadFrameAsync();
            Assert.Equal((2, length, true), (binary.Opcode, binary.Payload.Length, binary.Payload.All(value => value == 0xFF)));
        }

        await raw.WriteFrameAsync(0x88, [0x0F, 0xA1, .. "bye"u8]);
        await raw.ExpectLastAsync([0x88, 5, 0x0F, 0xA1, .. "bye"u8]);
    }

    [Fact]
    public async Task Echo_AViolation_IsClosedWithItsCode()
    {
        await using var raw = await RawWebSocket.OpenAsync(echo.Port);
        await raw.WriteFrameAsync(0x81, [0xFF]);
        await raw.ExpectLastAsync([0x88, 2, 0x03, 0xEF]);
    }

    [Theory]
    [InlineData("0180 0080 8080")]
    [InlineData("0280 0080 8080")]
    [InlineData("0180 8A80 0080 8080")]
    public async Task Echo_FragmentsOfNothing_AreAnEmptyMessage(string heads)
    {
        await using var raw = await RawWebSocket.OpenAsync(echo.Port);
        await raw.WriteAsync([.. heads.Split(' ').SelectMany(head => (byte[])[.. Convert.FromHexString(head), 0, 0, 0, 0])]);
        await raw.ExpectAsync([(byte)(0x80 | int.Parse(heads[1..2], System.Globalization.CultureInfo.InvariantCulture)), 0]);
    }

    [Theory]
    [InlineData(65_536, 1_300, 65_536)]
    [InlineData(65_536, 65_536, 997)]
    [InlineData(1 << 20, 64, 1 << 20)]
    [InlineData(4 << 20, 64 << 10, 1 << 20)]
    [InlineData(16 << 20, 16 << 20, 1 << 20)]
    public async Task Echo_ALongMessageInPieces_ComesBackExactly(int length, int fragment, int segment)
    {
        var message = new byte[length];
        new Random(length).NextBytes(message);
        var frames = new MemoryStream();
        for (var at = 0; at < length; at += fragment)
        {
            var end = Math.Min(at + fragment, length);
            frames.Write(RawWebSocket.Frame((at == 0 ? 2 : 0) | (end == length ? 0x80 : 0), message[at..end]));
        }

        await using var raw = await RawWebSocket.OpenAsync(echo.Port);
        foreach (var piece in frames.ToArray().Chunk(segment))
        {
            await raw.WriteAsync(piece);
        }

        var (opcode, payload) = await raw.ReadFrameAsync();
        Assert.Equal(2, opcode);
        Assert.True(message.AsSpan().SequenceEqual(payload), "the message is another");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(256)]
    [InlineData(4_096)]
    [InlineData(16_384)]
    public async Task Echo_ManyMessages_ComeBackInOrder(int length)
    {
        const int count = 1000;
        var sent = Enumerable.Range(0, count).Select(number => Encoding.ASCII.GetBytes(new string((char)('a' + (number % 26)), length))).ToArray();
        await using var raw = await RawWebSocket.OpenAsync(echo.Port);
        var sending = WriteAsync();
        for (var number = 0; number < count; number++)
        {
            var (opcode, payload) = await raw.ReadFrameAsync();
            Assert.True(opcode == 1 && payload.AsSpan().SequenceEqual(sent[number]), $"message {number} is another");
        }

        await sending;

        async Task WriteAsync()
        {
            foreach (var message in sent)
            {
                await raw.WriteFrameAsync(0x81, message);
            }
        }
    }

    [Fact]
    public async Task Pings_ByteByByte_AreAnswered()
    {
        await using var raw = await RawWebSocket.OpenAsync(echo.Port);
        byte[] pings = [.. Enumerable.Range(0, 10).SelectMany(number => RawWebSocket.Frame(0x89, [0xFF, (byte)number, 0x80]))];
        foreach (var next in pings)
        {
            await raw.WriteAsync([next]);
        }

        await raw.ExpectAsync([.. Enumerable.Range(0, 10).SelectMany(number => new byte[] { 0x8A, 3, 0xFF, (byte)number, 0x80 })]);
    }
}
