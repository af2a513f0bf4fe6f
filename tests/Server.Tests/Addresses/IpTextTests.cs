using System.Net;
using CsCheck;
using Relay.Addresses;

namespace Server.Tests.Addresses;

public sealed class IpTextTests
{
    [Theory]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("198.51.100.1", "198.51.100.1")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("1::", "1::")]
    [InlineData("2001:DB8::00aF", "2001:db8::af")]
    [InlineData("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8")]
    [InlineData("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0")]
    [InlineData("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8")]
    [InlineData("64:ff9b::192.0.2.33", "192.0.2.33")]
    [InlineData("1:2:3:4:5:6:192.0.2.33", "1:2:3:4:5:6:c000:221")]
    [InlineData("::ffff:198.51.100.1", "198.51.100.1")]
    [InlineData("::FFFF:c633:6401", "198.51.100.1")]
    public void TryParse_AnAddress_IsItsKey(string text, string expected)
    {
        Assert.True(IpText.TryParse(text, out var key));
        Assert.Equal(expected, key.ToString());
        Assert.Equal(IpKey.From(IPAddress.Parse(text)), key);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("127.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("3405803777")]
    [InlineData("010.0.0.1")]
    [InlineData("1.2.3.00")]
    [InlineData("256.1.1.1")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.")]
    [InlineData("1.2.3.4.5")]
    [InlineData(".1.2.3")]
    [InlineData("1..2.3")]
    [InlineData(" 1.2.3.4")]
    [InlineData("1.2.3.4 ")]
    [InlineData("+1.2.3.4")]
    [InlineData("1.2.3.-4")]
    [InlineData("1.2.3.٤")]
    [InlineData("1.2.3.4\0")]
    [InlineData("1.2\0.3.4")]
    [InlineData("1\0::2")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("::1::")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1:2:3:4::5:6:7:8")]
    [InlineData("1:2:3:4:5:6:7:")]
    [InlineData(":1:2:3:4:5:6:7:8")]
    [InlineData("12345::")]
    [InlineData("g::")]
    [InlineData("+1::")]
    [InlineData("0x1::")]
    [InlineData("::1%eth0")]
    [InlineData("[::1]")]
    [InlineData("::1/64")]
    [InlineData("1:2:3:4:5:6:7:192.0.2.33")]
    [InlineData("::192.0.2.33:1")]
    [InlineData("::192.0.2")]
    [InlineData("::192.0.2.033")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(IpText.TryParse(text, out _));

    // The system's own parser takes more; what ours takes, both must read alike.
    [Fact]
    public void TryParse_AnyText_AgreesWithTheSystem() =>
        Gen.Char["0123456789abcfFx.:%/[] "].Array[0, 24].Select(letters => new string(letters)).Sample(
            text => !IpText.TryParse(text, out var key) || (IPAddress.TryParse(text, out var address) && IpKey.From(address) == key),
            iter: 100_000);

    [Fact]
    public void TryParse_AnyAddressWritten_IsReadBack() =>
        Gen.OneOf(Gen.Byte.Array[4], Gen.Byte.Array[16], Gen.Byte[0, 1].Array[16]).Sample(bytes =>
        {
            var address = new IPAddress(bytes);
            return IpText.TryParse(address.ToString(), out var key) && key == IpKey.From(address);
        });
}
