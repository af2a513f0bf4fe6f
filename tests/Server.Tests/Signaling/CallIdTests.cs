using Relay.Signaling;

namespace Server.Tests.Signaling;

public sealed class CallIdTests
{
    [Theory]
    [InlineData("0b9f2d6e-7c1a-4f3e-9a5b-1234567890ab", true)]
    [InlineData("0B9F2D6E-7C1A-4F3E-8A5B-1234567890AB", true)]
    [InlineData("00000000-0000-4000-a000-000000000000", true)]
    [InlineData("ffffffff-ffff-4fff-Bfff-ffffffffffff", true)]
    [InlineData("", false)]
    [InlineData("0b9f2d6e-7c1a-1f3e-9a5b-1234567890ab", false)]
    [InlineData("0b9f2d6e-7c1a-7f3e-9a5b-1234567890ab", false)]
    [InlineData("0b9f2d6e-7c1a-4f3e-7a5b-1234567890ab", false)]
    [InlineData("0b9f2d6e-7c1a-4f3e-ca5b-1234567890ab", false)]
    [InlineData("0b9f2d6e-7c1a-4f3e-9a5b-1234567890ag", false)]
    [InlineData("0b9f2d6e-7c1a-4f3e-9a5b-1234567890a", false)]
    [InlineData("0b9f2d6e-7c1a-4f3e-9a5b-1234567890ab\n", false)]
    [InlineData("{0b9f2d6e-7c1a-4f3e-9a5b-1234567890a}", false)]
    [InlineData("0b9f2d6e7c1a-4f3e-9a5b-1234567890abcd", false)]
    [InlineData("0b9f2d6e07c1a-4f3e-9a5b-1234567890ab", false)]
    [InlineData("+b9f2d6e-7c1a-4f3e-9a5b-1234567890ab", false)]
    [InlineData("0xb9f2d6-7c1a-4f3e-9a5b-1234567890ab", false)]
    [InlineData("0b9f2d6e-7c1a-4f3e-9a5b-1234567890a\u0661", false)]
    public void IsValid_Text_IsAVersion4UuidOrNot(string text, bool valid) => Assert.Equal(valid, CallId.IsValid(text));
}
