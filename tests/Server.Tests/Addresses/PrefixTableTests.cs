using System.Net;
using CsCheck;
using Relay.Addresses;

namespace Server.Tests.Addresses;

public sealed class PrefixTableTests
{
    // A small world, so that networks lie in one another and addresses in several of them: the first and the last bits vary.
    private static readonly Gen<IpKey> AnyAddress = Gen.OneOf(
        Gen.Select(OneOf<byte>(0, 10, 127, 128, 255), Gen.Int[0, 7], (first, last) => IpKey.From(new IPAddress([first, 0, 0, (byte)last]))),
        Gen.Select(OneOf<ulong>(0, 0x2001_0DB8_0000_0000, 0x2001_0DB8_0000_0100, 0x8000_0000_0000_0000), Gen.ULong[0, 3], (high, low) =>
            IpKey.FromIpv6(high, low)));

    private static readonly Gen<IpKey> AnyKey = Gen.Select(AnyAddress, OneOf(0, 1, 8, 24, 30, 31, 32, 48, 56, 63, 64, 65, 127, 128), (key, length) => key.Truncate(length));

    [Fact]
    public void TryFind_AnyTable_FindsTheLongestThatHoldsTheKey() =>
        Gen.Select(AnyKey.Array[0, 12], AnyKey).Sample((networks, key) =>
        {
            var values = networks.Distinct().Select((network, i) => KeyValuePair.Create(new IpPrefix(network), i)).ToList();
            var table = new PrefixTable<int>(values);
            Assert.Equal(values.Count, table.Count);
            AssertSame(Naive(values, key), table.TryFind(key, out var prefix, out var value), prefix, value);
        });

    [Theory]
    [InlineData("0.0.0.0/0", "255.255.255.255", true)]
    [InlineData("0.0.0.0/0", "::", false)]
    [InlineData("::/0", "0.0.0.0", false)]
    [InlineData("::/0", "ffff::", true)]
    [InlineData("::/96", "0.0.0.1", false)]
    [InlineData("203.0.113.0/24", "203.0.113.0/25", true)]
    [InlineData("203.0.113.0/25", "203.0.113.0/24", false)]
    [InlineData("203.0.113.7", "203.0.113.7", true)]
    [InlineData("203.0.113.7", "203.0.113.6", false)]
    [InlineData("2001:db8::/127", "2001:db8::1", true)]
    [InlineData("2001:db8::/127", "2001:db8::2", false)]
    public void TryFind_Border_HoldsWhatLiesInTheNetwork(string network, string key, bool expected) =>
        Assert.Equal(expected, new PrefixTable<int>([KeyValuePair.Create(Of(network), 1)]).TryFind(Of(key).Key, out _, out _));

    [Fact]
    public void TryFind_Empty_FindsNothing() => Assert.False(new PrefixTable<int>([]).TryFind(Of("::1").Key, out _, out _));

    private static void AssertSame(KeyValuePair<IpPrefix, int>? expected, bool found, IpPrefix prefix, int value)
    {
        Assert.Equal(expected is not null, found);
        if (expected is { } entry)
        {
            Assert.Equal((entry.Key, entry.Value), (prefix, value));
        }
    }

    private static KeyValuePair<IpPrefix, int>? Naive(List<KeyValuePair<IpPrefix, int>> values, IpKey key) => values
        .Where(entry => entry.Key.IsIpv6 == key.IsIpv6 && entry.Key.Length <= key.PrefixLength && SameBits(entry.Key.Key, key, entry.Key.Length))
        .OrderByDescending(entry => entry.Key.Length)
        .Cast<KeyValuePair<IpPrefix, int>?>()
        .FirstOrDefault();

    private static bool SameBits(IpKey left, IpKey right, int count) => Bits(left)[..count] == Bits(right)[..count];

    private static string Bits(IpKey key) => string.Concat(key.ToAddress().GetAddressBytes().Select(octet => octet.ToString("b8", null)));

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static IpPrefix Of(string text) => IpPrefix.TryParse(text, out var prefix, out var error) ? prefix : throw new FormatException(error);
}
