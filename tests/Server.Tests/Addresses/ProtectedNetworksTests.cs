using Relay.Addresses;

namespace Server.Tests.Addresses;

public sealed class ProtectedNetworksTests
{
    private static readonly ProtectedNetworks Networks = new(["203.0.113.0/28", "10.1.0.0/16", "2001:db8:ffff::/48"]);

    [Theory]
    [InlineData("192.0.2.1", null)]
    [InlineData("2001:db8::/48", null)]
    [InlineData("172.15.255.255", null)]
    [InlineData("172.32.0.0", null)]
    [InlineData("100.63.255.255", null)]
    [InlineData("100.128.0.0/9", null)]
    [InlineData("::2", null)]
    [InlineData("fe00::/9", null)]
    [InlineData("203.0.113.16", null)]
    [InlineData("127.0.0.1", "it holds loopback addresses, 127.0.0.0/8")]
    [InlineData("127.255.255.255", "it holds loopback addresses, 127.0.0.0/8")]
    [InlineData("::1", "it holds loopback addresses, ::1")]
    [InlineData("10.0.0.7", "it holds private addresses, 10.0.0.0/8")]
    [InlineData("172.16.0.0/12", "it holds private addresses, 172.16.0.0/12")]
    [InlineData("172.31.255.255", "it holds private addresses, 172.16.0.0/12")]
    [InlineData("192.168.1.0/24", "it holds private addresses, 192.168.0.0/16")]
    [InlineData("192.0.0.0/8", "it holds private addresses, 192.168.0.0/16")]
    [InlineData("fd12::1", "it holds private addresses, fc00::/7")]
    [InlineData("100.64.0.1", "it holds carrier-grade NAT addresses, 100.64.0.0/10")]
    [InlineData("169.254.1.1", "it holds link-local addresses, 169.254.0.0/16")]
    [InlineData("febf::1", "it holds link-local addresses, fe80::/10")]
    [InlineData("203.0.113.0", "it holds the trusted proxies 203.0.113.0/28")]
    [InlineData("203.0.113.15", "it holds the trusted proxies 203.0.113.0/28")]
    [InlineData("203.0.113.0/24", "it holds the trusted proxies 203.0.113.0/28")]
    [InlineData("10.1.2.3", "it holds the trusted proxies 10.1.0.0/16")]
    [InlineData("0.0.0.0/0", "it holds the trusted proxies 203.0.113.0/28")]
    [InlineData("::/0", "it holds the trusted proxies 2001:db8:ffff::/48")]
    [InlineData("2001:db8:ffff:1::/64", "it holds the trusted proxies 2001:db8:ffff::/48")]
    public void Why_OfANetwork_SaysWhatWouldBeShutOut(string network, string? expected) => Assert.Equal(expected, Networks.Why(Of(network), allowPrivate: false));

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.0.0.7", false)]
    [InlineData("fd12::1", false)]
    [InlineData("10.1.2.3", true)]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("203.0.113.7", true)]
    public void Why_PrivateAllowed_StillProtectsTheProxies(string network, bool isProtected) =>
        Assert.Equal(isProtected, Networks.Why(Of(network), allowPrivate: true) is not null);

    [Fact]
    public void Why_Unresolved_IsNoNetwork() => Assert.Null(Networks.Why(IpKey.Unresolved, allowPrivate: false));

    private static IpKey Of(string text) => IpPrefix.TryParse(text, out var prefix, out var error) ? prefix.Key : throw new FormatException(error);
}
