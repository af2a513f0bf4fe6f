using Relay.Benchmarks.Echo;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport.RawWire;

/// <summary>The echo that conformance suites from outside talk to returns every message as it came.</summary>
public sealed class EchoTests
{
    [Fact]
    public async Task Echo_TextAndBytesOfEveryLength_ComeBackExactly()
    {
        await using var echo = EchoServer.Build(0, TestTransport.Kind);
        await echo.StartAsync(TestContext.Current.CancellationToken);
        await using var raw = await RawWebSocket.OpenAsync(new Uri(echo.Urls.Single()).Port);
        foreach (var length in new[] { 0, 1, 125, 126, 65_535, 65_536, 1_000_000 })
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
        await using var echo = EchoServer.Build(0, TestTransport.Kind);
        await echo.StartAsync(TestContext.Current.CancellationToken);
        await using var raw = await RawWebSocket.OpenAsync(new Uri(echo.Urls.Single()).Port);
        await raw.WriteFrameAsync(0x81, [0xFF]);
        await raw.ExpectLastAsync([0x88, 2, 0x03, 0xEF]);
    }
}
