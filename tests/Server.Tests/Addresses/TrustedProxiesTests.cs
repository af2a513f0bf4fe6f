using System.Net;
using Relay.Addresses;

namespace Server.Tests.Addresses;

public sealed class TrustedProxiesTests
{
    private readonly TrustedProxies _proxies = new(["10.0.0.0/8", "192.0.2.128/25", "fd00::/32"]);

    [Theory]
    [InlineData("10.1.2.3", "10.0.0.0/8")]
    [InlineData("192.0.2.128", "192.0.2.128/25")]
    [InlineData("192.0.2.127", null)]
    [InlineData("::ffff:10.1.2.3", "10.0.0.0/8")]
    [InlineData("::10.1.2.3", null)]
    [InlineData("fd00::1", "fd00::/32")]
    [InlineData("fd00:1::1", null)]
    public void TryFind_AnAddress_NamesItsNetwork(string address, string? expected) =>
        Assert.Equal(expected, _proxies.TryFind(IpKey.From(IPAddress.Parse(address)), out var network) ? network.ToString() : null);

    [Theory]
    [InlineData("10.0.0.0/8", null)]
    [InlineData("192.0.2.1/32", null)]
    [InlineData("192.0.2.1", null)]
    [InlineData("fd00::/16", null)]
    [InlineData("::1", null)]
    [InlineData("0.0.0.0/0", "broader than /8")]
    [InlineData("10.0.0.0/7", "broader than /8")]
    [InlineData("::/0", "broader than /16")]
    [InlineData("fc00::/15", "broader than /16")]
    [InlineData("10.0.0.1/8", "bits set after the prefix")]
    [InlineData("fd00::1/64", "bits set after the prefix")]
    [InlineData("::ffff:10.0.0.0/104", "wrapped in IPv6")]
    [InlineData("", "not a network")]
    [InlineData("proxy.example", "not a network")]
    [InlineData("10.0.0.0/33", "not a network")]
    public void Check_Network_SaysWhatIsWrong(string text, string? expected)
    {
        var error = TrustedProxies.Check(text);

        if (expected is null)
        {
            Assert.Null(error);
        }
        else
        {
            Assert.Contains(expected, error, StringComparison.Ordinal);
        }
    }
}
