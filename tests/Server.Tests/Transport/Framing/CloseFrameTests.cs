using System.Text;
using Relay.Transport.Framing;

namespace Server.Tests.Transport.Framing;

/// <summary>Close codes and reasons: RFC 6455 sections 5.5.1 and 7.4.</summary>
public sealed class CloseFrameTests
{
    [Fact]
    public void Read_EveryCode_TakesThoseThatMayBeSent()
    {
        for (var code = 0; code <= ushort.MaxValue; code++)
        {
            var isAllowed = code is 1000 or 1001 or 1002 or 1003 or 1007 or 1008 or 1009 or 1010 or 1011 or 1012 or 1013 or 1014
                || code / 1000 is 3 or 4;
            var error = CloseFrame.Read([(byte)(code >> 8), (byte)code], out var read);

            Assert.Equal(isAllowed ? FrameError.None : FrameError.CloseCodeNotAllowed, error);
            Assert.Equal(code, read);
            Assert.Equal(isAllowed, CloseCodes.IsAllowed(code));
        }
    }

    [Theory]
    [InlineData("", FrameError.None, 1005)]
    [InlineData("03", FrameError.CloseCodeIncomplete, 1005)]
    [InlineData("03E8", FrameError.None, 1000)]
    [InlineData("03E8E282AC", FrameError.None, 1000)]
    [InlineData("03E8E282", FrameError.InvalidCloseReason, 1000)]
    [InlineData("03E8FF", FrameError.InvalidCloseReason, 1000)]
    [InlineData("03EDFF", FrameError.CloseCodeNotAllowed, 1005)]
    internal void Read_Payload_IsChecked(string hex, FrameError error, int code)
    {
        Assert.Equal(error, CloseFrame.Read(Convert.FromHexString(hex), out var read));
        Assert.Equal(code, read);
    }

    [Fact]
    public void Write_LongReason_IsCutBeforeTheCharacterThatDoesNotFit()
    {
        foreach (var character in new[] { "e", "é", "€", "😀" })
        {
            for (var before = 118; before <= 124; before++)
            {
                var reason = new string('x', before) + character + "tail";
                var expected = reason.EnumerateRunes().Aggregate("", (text, rune) =>
                    Encoding.UTF8.GetByteCount(text + rune) <= 123 && reason.StartsWith(text + rune, StringComparison.Ordinal) ? text + rune : text);
                var payload = new byte[FrameHead.MaxControlPayloadBytes];

                var length = CloseFrame.Write(payload, 1008, reason);

                Assert.Equal(expected, Encoding.UTF8.GetString(payload.AsSpan(2, length - 2)));
                Assert.Equal(FrameError.None, CloseFrame.Read(payload.AsSpan(0, length), out var code));
                Assert.Equal(1008, code);
            }
        }
    }

    [Fact]
    public void Write_LoneSurrogate_BecomesTheReplacementCharacter()
    {
        var payload = new byte[FrameHead.MaxControlPayloadBytes];

        var length = CloseFrame.Write(payload, 4000, "a\uD800b");

        Assert.Equal("a\uFFFDb", Encoding.UTF8.GetString(payload.AsSpan(2, length - 2)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    [InlineData(1004)]
    [InlineData(1006)]
    [InlineData(1015)]
    [InlineData(5000)]
    public void Write_CodeThatMustNotBeSent_Throws(int code) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => CloseFrame.Write(new byte[125], (ushort)code, ""));

    [Fact]
    public void CloseCode_OfEachError_IsOneOfThree() => Assert.All(
        Enum.GetValues<FrameError>().Skip(1),
        error => Assert.Equal(
            error switch
            {
                FrameError.MessageTooBig => 1009,
                FrameError.InvalidText or FrameError.InvalidCloseReason => 1007,
                _ => 1002,
            },
            FrameErrors.CloseCode(error)));
}
