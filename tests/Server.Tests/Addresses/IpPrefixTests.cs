using System.Net;
using CsCheck;
using Relay.Addresses;

namespace Server.Tests.Addresses;

public sealed class IpPrefixTests
{
    private static readonly Gen<IpPrefix> AnyPrefix = Gen.OneOf(
        Gen.Select(Gen.Byte.Array[4], Gen.Int[0, 32], (bytes, length) => new IpPrefix(IpKey.From(new IPAddress(bytes)).Truncate(length))),
        Gen.Select(Gen.Byte[1, 255], Gen.Byte.Array[15], Gen.Int[0, 128], (first, rest, length) =>
            new IpPrefix(IpKey.From(new IPAddress([first, .. rest])).Truncate(length))));

    [Theory]
    [InlineData("10.0.0.0/8", "10.0.0.0/8")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("192.0.2.128/25", "192.0.2.128/25")]
    [InlineData("192.0.2.1/32", "192.0.2.1")]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::/0", "::/0")]
    [InlineData("2001:DB8::/32", "2001:db8::/32")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    [InlineData("2001:db8:0:1:8000::/65", "2001:db8:0:1:8000::/65")]
    public void TryParse_ANetwork_IsWrittenBack(string text, string expected)
    {
        Assert.True(IpPrefix.TryParse(text, out var prefix, out var error));
        Assert.Null(error);
        Assert.Equal(expected, prefix.ToString());
    }

    [Theory]
    [InlineData("", "'' is not a network")]
    [InlineData("proxy.example", "not a network")]
    [InlineData("10.0.0.0/", "not a network")]
    [InlineData("10.0.0.0/33", "not a network")]
    [InlineData("::/129", "not a network")]
    [InlineData("10.0.0.0/08", "not a network")]
    [InlineData("10.0.0.0/+8", "not a network")]
    [InlineData("10.0.0.0/-1", "not a network")]
    [InlineData("10.0.0.0/ 8", "not a network")]
    [InlineData("10.0.0.0/8\0", "not a network")]
    [InlineData("10.0.0.0/255.0.0.0", "not a network")]
    [InlineData("10.0.0.0/8/8", "not a network")]
    [InlineData("/8", "not a network")]
    [InlineData("1/8", "not a network")]
    [InlineData("0x7f.1/8", "not a network")]
    [InlineData("010.0.0.0/8", "not a network")]
    [InlineData("[::]/0", "not a network")]
    [InlineData("fe80::%1/64", "not a network")]
    [InlineData("10.0.0.1/8", "has bits set after the prefix; write 10.0.0.0/8 or 10.0.0.1")]
    [InlineData("fd00::1/64", "has bits set after the prefix; write fd00::/64 or fd00::1")]
    [InlineData("::ffff:10.0.0.0/104", "wrapped in IPv6")]
    [InlineData("::ffff:10.0.0.1", "wrapped in IPv6")]
    public void TryParse_AMistake_SaysWhatIsWrong(string text, string expected)
    {
        Assert.False(IpPrefix.TryParse(text, out _, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8", "11.0.0.0", false)]
    [InlineData("10.0.0.0/8", "::ffff:10.0.0.1", true)]
    [InlineData("10.0.0.0/8", "::10.0.0.1", false)]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.0", false)]
    [InlineData("0.0.0.0/0", "255.1.2.3", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("::/0", "10.0.0.1", false)]
    [InlineData("::/0", "::ffff:10.0.0.1", false)]
    [InlineData("2001:db8::/65", "2001:db8::7fff:1:1:1", true)]
    [InlineData("2001:db8::/65", "2001:db8::8000:0:0:1", false)]
    [InlineData("fe80::/64", "fe80::1%3", true)]
    public void Contains_AnAddress_ByItsFirstBits(string prefix, string address, bool expected) =>
        Assert.Equal(expected, Parse(prefix).Contains(IPAddress.Parse(address)));

    [Fact]
    public void Contains_AKey_OnlyWhenAllOfItIsInside()
    {
        var key = IpKey.From(IPAddress.Parse("2001:db8::1"), 64);

        Assert.True(Parse("2001:db8::/64").Contains(key));
        Assert.True(Parse("2001:db8::/56").Contains(key));
        Assert.False(Parse("2001:db8::1").Contains(key));
        Assert.False(Parse("::/0").Contains(IpKey.Unresolved));
        Assert.False(Parse("0.0.0.0/0").Contains(IpKey.Unresolved));
    }

    [Fact]
    public void CompareTo_ANetworkAndWhatIsInIt_OrdersTheNetworkFirst()
    {
        string[] ordered = ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0", "10.0.0.1", "192.0.2.1", "::/0", "::", "2001:db8::/32"];

        Assert.Equal(ordered, ordered.Reverse().Select(Parse).Order().Select(prefix => prefix.ToString()));
    }

    [Fact]
    public void ToString_AnyPrefix_IsReadBack() =>
        AnyPrefix.Sample(prefix => IpPrefix.TryParse(prefix.ToString(), out var again, out _) && again == prefix);

    [Fact]
    public void Contains_AnyTwoPrefixes_AgreesWithTheirFirstAddresses() =>
        Gen.Select(AnyPrefix, AnyPrefix).Sample((a, b) =>
            a.Contains(b) == (a.IsIpv6 == b.IsIpv6 && a.Length <= b.Length && a.Contains(b.Key.ToAddress()))
            && a.Contains(new IpPrefix(b.Key.Truncate(0))) == (a.Length == 0 && a.IsIpv6 == b.IsIpv6));

    [Fact]
    public void Unresolved_IsNoAddress()
    {
        Assert.Equal("unresolved", IpKey.Unresolved.ToString());
        Assert.Equal(IpKey.Unresolved, IpKey.Unresolved.Truncate(0));
        Assert.Equal(IpKey.Unresolved, IpKey.Unresolved.TruncateIpv6(64));
        Assert.NotEqual(IpKey.From(IPAddress.Any), IpKey.Unresolved);
        Assert.NotEqual(IpKey.From(IPAddress.IPv6Any), IpKey.Unresolved);
    }

    private static IpPrefix Parse(string text) => IpPrefix.TryParse(text, out var prefix, out var error) ? prefix : throw new FormatException(error);
}
