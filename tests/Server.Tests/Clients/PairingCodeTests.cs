using System.Text;
using CsCheck;
using Relay.Clients;

namespace Server.Tests.Clients;

public sealed class PairingCodeTests
{
    [Theory]
    [InlineData("ABCDEF", true)]
    [InlineData("Z23456", true)]
    [InlineData("789XYZ", true)]
    [InlineData("", false)]
    [InlineData("ABCDE", false)]
    [InlineData("ABCDEFG", false)]
    [InlineData("abcdef", false)]
    [InlineData("ABCDEI", false)]
    [InlineData("ABCDEO", false)]
    [InlineData("ABCDE0", false)]
    [InlineData("ABCDE1", false)]
    [InlineData("ABCDE\n", false)]
    [InlineData("ABCDE\u00c4", false)]
    public void IsValid_Text_FollowsTheAlphabet(string text, bool valid) => Assert.Equal(valid, PairingCode.IsValid(text));

    [Fact]
    public void TryNumber_AnyTwoCodes_AreTheSameNumberWhenTheyAreTheSame()
    {
        var code = Gen.Char["ABCDEFGHJKLMNPQRSTUVWXYZ23456789"].Array[6].Select(letters => new string(letters));
        Gen.Select(code, code).Sample((one, other) =>
        {
            Assert.True(PairingCode.TryNumber(one, out var first));
            Assert.True(PairingCode.TryNumber(other, out var second));
            Assert.InRange(first, 0, (1 << 30) - 1);
            Assert.Equal(one == other, first == second);
        });
    }

    [Theory]
    [InlineData("\"ABCDEF\"", true)]
    [InlineData("\"\\u0041BCDE\\u0046\"", true)]
    [InlineData("\"ABCDE\\u0047\"", false)]
    [InlineData("\"ABCDEFG\"", false)]
    [InlineData("\"\"", false)]
    [InlineData("\"ABCDE\\n\"", false)]
    [InlineData("\"ABCDE\u00c4\"", false)]
    [InlineData("\"\\ud800BCDEF\"", false)]
    public void TryRead_JsonString_IsTheCodeThatItSpells(string json, bool isIt)
    {
        PairingCode.TryNumber("ABCDEF", out var expected);
        Assert.Equal(isIt, PairingCode.TryRead(Encoding.UTF8.GetBytes(json), out var number) && number == expected);
    }

    [Theory]
    [InlineData("", "Missing required field: publicKey")]
    [InlineData("====", "Invalid public key format")]
    [InlineData("not base64!", "Invalid public key format")]
    [InlineData("AAAA_AAA", "Invalid public key format")]
    [InlineData("AAA=AAA=", "Invalid public key format")]
    [InlineData("AAAA", "Invalid public key length")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", null)]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", null)]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Invalid public key length")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Invalid public key length")]
    public void CheckKey_Text_SaysWhatIsWrong(string key, string? expected) => Assert.Equal(expected, PairingCode.CheckKey(key));
}
