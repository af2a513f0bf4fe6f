using System.Net;
using CsCheck;
using Relay.Addresses;

namespace Server.Tests.Addresses;

public sealed class Nat64Tests
{
    [Theory]
    [InlineData("64:ff9b::192.0.2.33", "192.0.2.33")]
    [InlineData("64:ff9b::c000:221", "192.0.2.33")]
    [InlineData("64:ff9b:1:c000:2:2100::", "192.0.2.33")]
    [InlineData("64:ff9b:1::192.0.2.33", "192.0.2.33")]
    [InlineData("64:ff9b:1:fffe::192.0.2.33", "192.0.2.33")]
    [InlineData("64:ff9b:1:fffe:1::192.0.2.33", "64:ff9b:1:fffe:1:0:c000:221")]
    [InlineData("64:ff9b:0:1::c000:221", "64:ff9b:0:1::c000:221")]
    [InlineData("64:ff9b:2::c000:221", "64:ff9b:2::c000:221")]
    [InlineData("64:ff9c::c000:221", "64:ff9c::c000:221")]
    [InlineData("64:ff9b::127.0.0.1", "64:ff9b::7f00:1")]
    [InlineData("64:ff9b::0.0.0.1", "64:ff9b::1")]
    [InlineData("64:ff9b:1::", "64:ff9b:1::")]
    public void From_AddressOfATranslator_IsTheIpv4HostBehindIt(string address, string expected)
    {
        Assert.Equal(IPAddress.Parse(expected), IpKey.From(IPAddress.Parse(address)).ToAddress());
        Assert.True(IpText.TryParse(address, out var read));
        Assert.Equal(IPAddress.Parse(expected), read.ToAddress());
    }

    /// <summary>The table of RFC 6052 section 2.4.</summary>
    [Theory]
    [InlineData("2001:db8::/32", "2001:db8:c000:221::")]
    [InlineData("2001:db8:100::/40", "2001:db8:1c0:2:21::")]
    [InlineData("2001:db8:122::/48", "2001:db8:122:c000:2:2100::")]
    [InlineData("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::")]
    [InlineData("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::")]
    [InlineData("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33")]
    public void TryUnwrap_EachLengthOfTheRfc_FindsTheAddress(string prefix, string address)
    {
        Assert.Null(Nat64.Check(prefix));
        Assert.Equal("192.0.2.33", Unwrap(new Nat64([prefix]), address));
        Assert.Null(Unwrap(new Nat64([]), address));
    }

    [Fact]
    public void TryUnwrap_PrefixWithinAPrefix_TheLongerCounts() =>
        Assert.Equal("192.0.2.33", Unwrap(new Nat64(["64:ff9b:1::/48", "64:ff9b:1:1:1::/96"]), "64:ff9b:1:1:1::192.0.2.33"));

    [Fact]
    public void TryUnwrap_AnyAddressInTheWellKnownPrefix_IsTheOneThatWasPutIn() => Gen.UInt.Where(four => four >> 24 is not (0 or 127)).Sample(four =>
        Assert.True(Nat64.Current.TryUnwrap(0x0064_FF9B_0000_0000, four, out var found) && found == four));

    [Theory]
    [InlineData("64:ff9b::/97")]
    [InlineData("64:ff9b::")]
    [InlineData("64:ff9b::/48x")]
    [InlineData("64:ff9b::1/96")]
    [InlineData("10.0.0.0/32")]
    [InlineData("x")]
    public void Check_NoPrefixOfTheRfc_SaysWhatToWrite(string prefix) =>
        Assert.Contains("such as 64:ff9b::/96", Nat64.Check(prefix), StringComparison.Ordinal);

    private static string? Unwrap(Nat64 nat64, string address)
    {
        var bytes = IPAddress.Parse(address).GetAddressBytes();
        var (high, low) = (System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes), System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(8)));
        return nat64.TryUnwrap(high, low, out var ipv4) ? IpKey.FromIpv4(ipv4).ToString() : null;
    }
}
