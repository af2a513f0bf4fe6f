using System.Net;
using Microsoft.Extensions.Primitives;
using Relay.Admission;

namespace Server.Tests.Admission;

public sealed class TrustedProxiesTests
{
    private readonly TrustedProxies _proxies = new(new AdmissionOptions { TrustedProxies = ["10.0.0.0/8", "192.0.2.128/25", "fd00::/32"] });

    [Theory]
    // A stranger's header is not read.
    [InlineData("203.0.113.1", "198.51.100.1", "203.0.113.1")]
    [InlineData("192.0.2.127", "198.51.100.1", "192.0.2.127")]
    [InlineData("::ffff:203.0.113.1", "198.51.100.1", "203.0.113.1")]
    // A trusted peer without a header is the client.
    [InlineData("10.0.0.1", null, "10.0.0.1")]
    [InlineData("10.0.0.1", "", "10.0.0.1")]
    // The first untrusted from the right.
    [InlineData("10.0.0.1", "198.51.100.1", "198.51.100.1")]
    [InlineData("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1")]
    [InlineData("fd00::1", "198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "1.2.3.4,198.51.100.1,10.9.9.9", "198.51.100.1")]
    [InlineData("10.0.0.1", "1.2.3.4, 198.51.100.1 ,\t10.9.9.9, 192.0.2.200", "198.51.100.1")]
    [InlineData("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1")]
    // Ports and brackets.
    [InlineData("10.0.0.1", "198.51.100.1:4711", "198.51.100.1")]
    [InlineData("10.0.0.1", "[2001:db8::1]", "2001:db8::1")]
    [InlineData("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1")]
    [InlineData("10.0.0.1", "2001:db8::1", "2001:db8::1")]
    [InlineData("10.0.0.1", "198.51.100.1, [fd00::2]:80", "198.51.100.1")]
    // Mapped and zoned.
    [InlineData("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "198.51.100.1, ::ffff:10.0.0.9", "198.51.100.1")]
    [InlineData("10.0.0.1", "fe80::1%4", "fe80::1")]
    // Garbage ends the walk at the last good hop.
    [InlineData("10.0.0.1", "garbage", "10.0.0.1")]
    [InlineData("10.0.0.1", "unknown", "10.0.0.1")]
    [InlineData("10.0.0.1", "_hidden", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.1, garbage", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.1, garbage, 10.9.9.9", "10.9.9.9")]
    [InlineData("10.0.0.1", "198.51.100.1,", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.1,,10.9.9.9", "10.9.9.9")]
    [InlineData("10.0.0.1", " ", "10.0.0.1")]
    [InlineData("10.0.0.1", ",", "10.0.0.1")]
    [InlineData("10.0.0.1", "1", "10.0.0.1")]
    [InlineData("10.0.0.1", "127.1", "10.0.0.1")]
    [InlineData("10.0.0.1", "0x7f.1", "10.0.0.1")]
    [InlineData("10.0.0.1", "3405803777", "10.0.0.1")]
    [InlineData("10.0.0.1", "256.1.1.1", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.1:", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.1:65536", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.1:-1", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.1:x", "10.0.0.1")]
    [InlineData("10.0.0.1", "[2001:db8::1", "10.0.0.1")]
    [InlineData("10.0.0.1", "[2001:db8::1]x", "10.0.0.1")]
    [InlineData("10.0.0.1", "[2001:db8::1]:", "10.0.0.1")]
    [InlineData("10.0.0.1", "[]", "10.0.0.1")]
    [InlineData("10.0.0.1", "\"198.51.100.1\"", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.1;DROP", "10.0.0.1")]
    public void Resolve_OneHeader_WalksFromTheRight(string peer, string? header, string expected) =>
        Assert.Equal(expected, _proxies.Resolve(IPAddress.Parse(peer), header).ToString());

    [Fact]
    public void Resolve_SeveralLines_ReadsTheLastFirst()
    {
        var lines = new StringValues(["1.2.3.4", "198.51.100.1, 10.1.1.1", "10.2.2.2"]);

        Assert.Equal("198.51.100.1", _proxies.Resolve(IPAddress.Parse("10.0.0.1"), lines).ToString());
    }

    [Fact]
    public void Resolve_NoNetworksListed_IsThePeer() =>
        Assert.Equal("10.0.0.1", new TrustedProxies(new AdmissionOptions()).Resolve(IPAddress.Parse("10.0.0.1"), "1.2.3.4").ToString());

    [Fact]
    public void Resolve_EndlessChain_StopsAtATrustedHop()
    {
        var header = "198.51.100.1" + string.Concat(Enumerable.Range(0, 10_000).Select(i => $",10.0.{i / 250}.{i % 250}"));

        Assert.StartsWith("10.", _proxies.Resolve(IPAddress.Parse("10.0.0.1"), header).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.0/8", null)]
    [InlineData("192.0.2.1/32", null)]
    [InlineData("192.0.2.1", null)]
    [InlineData("fd00::/16", null)]
    [InlineData("::1/128", null)]
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
        var mistake = TrustedProxies.Check(text);

        if (expected is null)
        {
            Assert.Null(mistake);
        }
        else
        {
            Assert.Contains(expected, mistake, StringComparison.Ordinal);
        }
    }
}
