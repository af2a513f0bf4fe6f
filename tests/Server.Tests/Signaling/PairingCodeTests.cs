using Relay.Signaling;

namespace Server.Tests.Signaling;

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
