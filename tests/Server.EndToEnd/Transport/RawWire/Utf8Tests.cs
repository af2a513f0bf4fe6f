using System.Text;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport.RawWire;

/// <summary>Text messages at the edges of UTF-8, however they are cut. The cases are those that conformance suites try.</summary>
public sealed class Utf8Tests(EchoFixture echo) : IClassFixture<EchoFixture>
{
    private static readonly byte[] Before = Encoding.UTF8.GetBytes("κ");
    private static readonly byte[] After = "edited"u8.ToArray();

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("7F C280 DFBF E0A080")] // first and last of each length
    [InlineData("EFBFBF F0908080 F48FBFBF")]
    [InlineData("ED9FBF EE8080 EFBFBD")] // beside the surrogates, and the replacement character
    [InlineData("EFBFBE EFB790 F09FBFBE F09FBFBF F0AFBFBE F48FBFBE")] // noncharacters are characters
    [InlineData("EFBFB9 EFBFBA EFBFBB EFBFBC")]
    [InlineData("CEBAE1BDB9CF83CEBCCEB5 F09F9880 F09F8C8D")]
    public async Task Text_OfCharacters_ComesBackHoweverItIsCut(string hex)
    {
        var text = Bytes(hex);
        await using var raw = await RawWebSocket.OpenAsync(echo.Port);
        foreach (var cut in Cuts(text))
        {
            foreach (var segment in cut)
            {
                await raw.WriteAsync(segment);
            }

            var (opcode, payload) = await raw.ReadFrameAsync();
            Assert.Equal((1, Convert.ToHexString(text)), (opcode, Convert.ToHexString(payload)));
        }
    }

    [Theory]
    [InlineData("80")] // continuation bytes alone
    [InlineData("BF")]
    [InlineData("80BF80BF80BF")]
    [InlineData("C020")] // first bytes alone
    [InlineData("DF20")]
    [InlineData("E020")]
    [InlineData("EF20")]
    [InlineData("F020")]
    [InlineData("F420")]
    [InlineData("E08020")] // the last byte is missing
    [InlineData("EFBF20")]
    [InlineData("F0908020")]
    [InlineData("F48FBF20")]
    [InlineData("C2E0A0")]
    [InlineData("FE")] // bytes that no character has
    [InlineData("FF")]
    [InlineData("C1BF")] // longer than need be
    [InlineData("C0AF")]
    [InlineData("C080")]
    [InlineData("E08080")]
    [InlineData("E080AF")]
    [InlineData("E09FBF")]
    [InlineData("F0808080")]
    [InlineData("F08080AF")]
    [InlineData("F08FBFBF")]
    [InlineData("F880808080")]
    [InlineData("FC8080808080")]
    [InlineData("F8888080 80")] // five and six bytes for one character
    [InlineData("FBBFBFBFBF")]
    [InlineData("FC8480808080")]
    [InlineData("FDBFBFBFBFBF")]
    [InlineData("F4908080")] // above U+10FFFF
    [InlineData("F5808080")]
    [InlineData("F7BFBFBF")]
    [InlineData("EDA080")] // halves of surrogate pairs, and pairs of them
    [InlineData("EDADBF")]
    [InlineData("EDAE80")]
    [InlineData("EDAFBF")]
    [InlineData("EDB080")]
    [InlineData("EDBE80")]
    [InlineData("EDBFBF")]
    [InlineData("EDA080EDB080")]
    [InlineData("EDAFBFEDBFBF")]
    public async Task Text_WithAnythingElse_Is1007HoweverItIsCut(string hex)
    {
        foreach (var cut in Cuts([.. Before, .. Bytes(hex), .. After]))
        {
            await using var raw = await RawWebSocket.OpenAsync(echo.Port);
            try
            {
                foreach (var segment in cut)
                {
                    await raw.WriteAsync(segment);
                }
            }
            catch (IOException)
            {
                // Cut before all was sent, which is as well.
            }

            Assert.Equal((1007, ""), await raw.ReadCloseAsync());
        }
    }

    // Nobody has to wait for the end of a message to know that it is no text.
    [Theory]
    [InlineData("018200000000CEBA", "008400000000F4908080")]
    [InlineData("0182000000006162", "00FF0000000000100000", "00000000", "C0")]
    [InlineData("018200000000E282", "008100000000", "41")]
    public async Task Fragments_WrongInTheSecond_AreAnsweredAtOnce(params string[] segments)
    {
        await using var raw = await RawWebSocket.OpenAsync(echo.Port);
        foreach (var segment in segments)
        {
            await raw.WriteAsync(Bytes(segment));
        }

        Assert.Equal((1007, ""), await raw.ReadCloseAsync());
    }

    // In one frame; a frame for each byte; the one frame byte by byte; two frames at each place, the second of them empty at the end.
    private static IEnumerable<byte[][]> Cuts(byte[] text)
    {
        var whole = RawWebSocket.Frame(0x81, text);
        yield return [whole];
        yield return [.. text.Select((value, at) => RawWebSocket.Frame(at == 0 ? 0x01 : 0x00, [value])), RawWebSocket.Frame(text.Length == 0 ? 0x81 : 0x80, [])];
        yield return [.. whole.Select(value => new[] { value })];
        for (var at = 0; at <= text.Length; at++)
        {
            yield return [[.. RawWebSocket.Frame(0x01, text[..at]), .. RawWebSocket.Frame(0x80, text[at..])]];
        }
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
