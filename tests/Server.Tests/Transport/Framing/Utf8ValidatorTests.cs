using System.Text;
using Relay.Transport.Framing;
using Server.Tests.Fuzz;

namespace Server.Tests.Transport.Framing;

/// <summary>Text that is split anywhere, and refused at the first byte that RFC 3629 does not allow.</summary>
public sealed class Utf8ValidatorTests
{
    public static TheoryData<string> Sequences =>
    [
        // Valid: Greek, first and last code point of each length, the edges of the surrogates, noncharacters.
        "CEBAE1BDB9CF83CEBCCEB5", "00", "7F", "C280", "DFBF", "E0A080", "EFBFBF", "F0908080", "F48FBFBF", "ED9FBF", "EE8080", "EFBFBD",
        "EFBFBE", "F09FBFBE", "F3BFBFBF", "F1808080", "E18080", "EC8080", "61E282AC62F09F988063",

        // Continuation bytes alone, lead bytes alone, impossible bytes.
        "80", "BF", "8080", "80BF80BF", "C020", "C3", "C328", "E0", "E020", "F0", "F820", "FC20", "FE", "FF", "FEFEFFFF",

        // The last byte or bytes missing, at the end and before other text.
        "E0A0", "E0A061", "E282", "E28261", "F09080", "F0908061", "F09F98", "F09F61", "F48FBF", "DF61", "C3C3A9", "E282E282AC",

        // Overlong forms.
        "C0AF", "C1BF", "E080AF", "E09FBF", "F08080AF", "F08FBFBF", "F8808080AF", "FC80808080AF", "C080", "E08080", "F0808080",

        // Surrogates, single and paired.
        "EDA080", "EDADBF", "EDAE80", "EDAFBF", "EDB080", "EDBFBF", "EDA080EDB080", "CEBAE1BDB9CF83CEBCCEB5EDA080656469746564",

        // Above U+10FFFF.
        "F4908080", "F4BFBFBF", "F5808080", "F7BFBFBF", "F888808080", "FBBFBFBFBF", "FC8480808080", "CEBAE1BDB9CF83CEBCCEB5F4908080656469746564",
    ];

    [Theory]
    [MemberData(nameof(Sequences))]
    public void Append_ByteByByte_RefusesAtTheFirstByteThatCannotBe(string hex)
    {
        byte[] bytes = [.. "before "u8, .. Convert.FromHexString(hex)];
        var validator = new Utf8Validator();
        for (var length = 1; length <= bytes.Length; length++)
        {
            var isPossible = SlowFrameDecoder.IsUtf8(bytes.AsSpan(0, length), mayBeCut: true);
            Assert.Equal(isPossible, validator.Append(bytes.AsSpan(length - 1, 1)));
            if (!isPossible)
            {
                return;
            }

            Assert.Equal(SlowFrameDecoder.IsUtf8(bytes.AsSpan(0, length), mayBeCut: false), validator.IsComplete);
        }
    }

    [Theory]
    [MemberData(nameof(Sequences))]
    public void Append_InThreePieces_IsWhatTheWholeIs(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        for (var first = 0; first <= bytes.Length; first++)
        {
            for (var second = first; second <= bytes.Length; second++)
            {
                var validator = new Utf8Validator();
                var isValid = validator.Append(bytes.AsSpan(0, first))
                    && validator.Append(bytes.AsSpan(first, second - first))
                    && validator.Append(bytes.AsSpan(second))
                    && validator.IsComplete;

                Assert.Equal(SlowFrameDecoder.IsUtf8(bytes, mayBeCut: false), isValid);
            }
        }
    }

    [Fact]
    public void Append_EachCodePointInTwoPieces_IsValid()
    {
        Span<byte> bytes = stackalloc byte[4];
        for (var value = 0; value <= 0x10FFFF; value++)
        {
            if (!Rune.IsValid(value))
            {
                continue;
            }

            var length = new Rune(value).EncodeToUtf8(bytes);
            for (var cut = 0; cut <= length; cut++)
            {
                var validator = new Utf8Validator();
                if (!validator.Append(bytes[..cut]) || !validator.Append(bytes[cut..length]) || !validator.IsComplete)
                {
                    Assert.Fail($"U+{value:X} is refused when cut at {cut}");
                }
            }
        }
    }
}
