using System.Net;
using CsCheck;
using Relay.Addresses;

namespace Server.Tests.Addresses;

public sealed class IpKeyTests
{
    [Theory]
    [InlineData("192.0.2.7", 64, "192.0.2.7")]
    [InlineData("0.0.0.0", 64, "0.0.0.0")]
    [InlineData("255.255.255.255", 64, "255.255.255.255")]
    [InlineData("::ffff:192.0.2.7", 64, "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", 128, "192.0.2.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::/64")]
    [InlineData("2001:db8:1:2ff:3:4:5:6", 56, "2001:db8:1:200::/56")]
    [InlineData("2001:db8:ffff:2ff:3:4:5:6", 32, "2001:db8::/32")]
    [InlineData("2001:db8:1:2:3:4:5:6", 65, "2001:db8:1:2::/65")]
    [InlineData("2001:db8:1:2:8003:4:5:6", 65, "2001:db8:1:2:8000::/65")]
    [InlineData("2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6")]
    [InlineData("fe80::1%3", 128, "fe80::1")]
    [InlineData("::1", 64, "::/64")]
    [InlineData("::", 128, "::")]
    public void From_Address_IsCutToItsPrefix(string address, int prefix, string expected) =>
        Assert.Equal(expected, IpKey.From(IPAddress.Parse(address), prefix).ToString());

    [Theory]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", 64, true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", 64, false)]
    [InlineData("2001:db8::1", "2001:db8:0:ff::1", 56, true)]
    [InlineData("2001:db8::1", "2001:db8::2", 128, false)]
    [InlineData("fe80::1%1", "fe80::1%2", 128, true)]
    [InlineData("192.0.2.1", "192.0.2.2", 64, false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", 64, true)]
    [InlineData("192.0.2.1", "::192.0.2.1", 128, false)]
    [InlineData("0.0.0.0", "::", 32, false)]
    public void Equals_TwoAddresses_SameOnlyWithinOnePrefix(string first, string second, int prefix, bool same) =>
        Assert.Equal(same, IpKey.From(IPAddress.Parse(first), prefix) == IpKey.From(IPAddress.Parse(second), prefix));

    [Fact]
    public void From_TwoPrefixLengths_AreNeverEqual() =>
        Assert.NotEqual(IpKey.From(IPAddress.IPv6Any, 64), IpKey.From(IPAddress.IPv6Any, 56));

    [Fact]
    public void From_AnyIpv4_NeverEqualsAnUnmappedIpv6() =>
        Gen.Select(Gen.Byte.Array[4], Gen.Int[32, 128]).Sample((four, prefix) =>
        {
            var wrapped = new byte[16];
            four.CopyTo(wrapped, 12);
            return IpKey.From(new IPAddress(four), prefix) != IpKey.From(new IPAddress(wrapped), prefix);
        });

    [Fact]
    public void ToAddress_AnyIpv6_IsTheFirstOfItsKey() =>
        Gen.Select(Gen.Byte.Array[16], Gen.Int[1, 128]).Sample((bytes, prefix) =>
        {
            var key = IpKey.From(new IPAddress(bytes), prefix);
            return !key.IsIpv6 || (key.PrefixLength == prefix && IpKey.From(key.ToAddress(), prefix) is var again && (again == key || !again.IsIpv6));
        });

    [Fact]
    public void TryFrom_PartsOfAnyKey_IsThatKey() =>
        Gen.Select(Gen.Byte.Array[16], Gen.Bool, Gen.Int[0, 128]).Sample((bytes, isIpv4, prefix) =>
        {
            var key = IpKey.From(new IPAddress(isIpv4 ? bytes[..4] : bytes)).Truncate(prefix);
            return IpKey.TryFrom(key.High, key.Low, key.Bits, out var read) && read == key;
        });

    [Theory]
    [InlineData(0UL, 0UL, 126U, true)]
    [InlineData(0UL, 1UL, 126U, false)]
    [InlineData(0UL, 0UL, 33U, false)]
    [InlineData(0UL, 0UL, 124U, false)]
    [InlineData(7UL, 9UL, 125U, true)] // a person
    [InlineData(0UL, 0UL, 256U, false)]
    [InlineData(1UL, 1UL, 32U, false)]
    [InlineData(0UL, 0x1_0000_0000UL, 32U, false)]
    [InlineData(0UL, 0x0102_0304UL, 24U, false)]
    [InlineData(0UL, 0x0102_0300UL, 24U, true)]
    [InlineData(1UL, 1UL, 191U, false)]
    [InlineData(1UL, 0UL, 191U, true)]
    public void TryFrom_Parts_MakeAKeyOnlyWhereNothingStandsBehindThePrefix(ulong high, ulong low, uint bits, bool isKey) =>
        Assert.Equal(isKey, IpKey.TryFrom(high, low, bits, out _));

    // Somebody with a whole /64 takes the addresses whose two last quarters are equal: halves that are only added up, or
    // put against each other, come out the same for all of them.
    [Fact]
    public void GetHashCode_AddressesChosenToCollide_AreSpreadOverTheBuckets()
    {
        const int Addresses = 4096, Buckets = 8419;
        var fullest = Enumerable.Range(1, Addresses)
            .Select(i => IpKey.FromIpv6(0x2001_0db8_0000_0000, ((ulong)i << 32) | (uint)i))
            .CountBy(key => (uint)key.GetHashCode() % Buckets)
            .Max(bucket => bucket.Value);

        Assert.InRange(fullest, 1, 20);
    }
}
