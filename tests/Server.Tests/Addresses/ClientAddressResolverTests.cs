using System.Net;
using Relay.Addresses;

namespace Server.Tests.Addresses;

/// <summary>X-Forwarded-For, the single header and PROXY claims; Forwarded has a file of its own.</summary>
public sealed class ClientAddressResolverTests
{
    private const string Nobody = "unresolved";

    [Theory]
    // A stranger's header is not read (the reference network believes headers from any peer).
    [InlineData("203.0.113.1", "198.51.100.1", "203.0.113.1")]
    [InlineData("192.0.2.127", "198.51.100.1", "192.0.2.127")]
    [InlineData("::ffff:203.0.113.1", "198.51.100.1", "203.0.113.1")]
    // A trusted peer that tells nothing: nobody's, and not the proxy's own.
    [InlineData("10.0.0.1", null, Nobody)]
    [InlineData("10.0.0.1", "", Nobody)]
    // The first untrusted from the right.
    [InlineData("10.0.0.1", "198.51.100.1", "198.51.100.1")]
    [InlineData("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1")]
    [InlineData("fd00::1", "198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "garbage, 198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "1.2.3.4,198.51.100.1,10.9.9.9", "198.51.100.1")]
    [InlineData("10.0.0.1", "1.2.3.4, 198.51.100.1 ,\t10.9.9.9, 192.0.2.200", "198.51.100.1")]
    // Clients inside a trusted network: the first of the chain.
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
    // What is no address ends the walk; the hops already passed are proxies, and nobody's address.
    [InlineData("10.0.0.1", "garbage", Nobody)]
    [InlineData("10.0.0.1", "unknown", Nobody)]
    [InlineData("10.0.0.1", "_hidden", Nobody)]
    [InlineData("10.0.0.1", "198.51.100.1, garbage", Nobody)]
    [InlineData("10.0.0.1", "198.51.100.1, garbage, 10.9.9.9", Nobody)]
    [InlineData("10.0.0.1", "198.51.100.1,", Nobody)]
    [InlineData("10.0.0.1", "198.51.100.1,,10.9.9.9", Nobody)]
    [InlineData("10.0.0.1", " ", Nobody)]
    [InlineData("10.0.0.1", ",", Nobody)]
    [InlineData("10.0.0.1", "1", Nobody)]
    [InlineData("10.0.0.1", "127.1", Nobody)]
    [InlineData("10.0.0.1", "0x7f.1", Nobody)]
    [InlineData("10.0.0.1", "3405803777", Nobody)]
    [InlineData("10.0.0.1", "256.1.1.1", Nobody)]
    [InlineData("10.0.0.1", "198.51.100.1:", Nobody)]
    [InlineData("10.0.0.1", "198.51.100.1:65536", Nobody)]
    [InlineData("10.0.0.1", "198.51.100.1:-1", Nobody)]
    [InlineData("10.0.0.1", "198.51.100.1:x", Nobody)]
    [InlineData("10.0.0.1", "[198.51.100.1]", Nobody)]
    [InlineData("10.0.0.1", "[2001:db8::1", Nobody)]
    [InlineData("10.0.0.1", "2001:db8::1]", Nobody)]
    [InlineData("10.0.0.1", "[2001:db8::1]x", Nobody)]
    [InlineData("10.0.0.1", "[2001:db8::1]:", Nobody)]
    [InlineData("10.0.0.1", "[]", Nobody)]
    [InlineData("10.0.0.1", "%", Nobody)]
    [InlineData("10.0.0.1", "fe80::1%", Nobody)]
    [InlineData("10.0.0.1", "fe80::1%4]:80", Nobody)]
    [InlineData("10.0.0.1", "fe80::1%4 x", Nobody)]
    [InlineData("10.0.0.1", "1.2.3.4%4", Nobody)]
    [InlineData("10.0.0.1", "\"198.51.100.1\"", Nobody)]
    [InlineData("10.0.0.1", "198.51.100.1;DROP", Nobody)]
    [InlineData("10.0.0.1", "for=198.51.100.1", Nobody)]
    public void Resolve_XForwardedFor_WalksFromTheRight(string peer, string? header, string expected) =>
        Assert.Equal(expected, Origins.Of("XForwardedFor", peer, Origins.Headers("X-Forwarded-For", header is null ? [] : [header])).ToString());

    [Fact]
    public void Resolve_SeveralLines_ReadsTheLastFirst()
    {
        var headers = Origins.Headers("X-Forwarded-For", "1.2.3.4", "198.51.100.1, 10.1.1.1", "10.2.2.2");

        Assert.Equal("198.51.100.1", Origins.Of("XForwardedFor", "10.0.0.1", headers).ToString());
    }

    [Fact]
    public void Resolve_NoNetworksListed_IsThePeer()
    {
        var resolver = new ClientAddressResolver(new TrustedProxies([]));
        var origin = resolver.Resolve(ClientAddressRule.Default, Origins.Key("10.0.0.1"), Origins.Lookup(Origins.Headers("X-Forwarded-For", "1.2.3.4")), default);

        Assert.Equal(("10.0.0.1", ClientAddressSource.UnlistedProxy), (origin.Address.ToString(), origin.Source));
    }

    [Theory]
    [InlineData(31, "198.51.100.1")]
    [InlineData(32, Nobody)]
    [InlineData(10_000, Nobody)]
    public void Resolve_LongChainOfTrustedHops_EndsAt32(int hops, string expected)
    {
        var header = "198.51.100.1" + string.Concat(Enumerable.Range(0, hops).Select(i => $",10.0.{i / 250}.{i % 250}"));

        Assert.Equal(expected, Origins.Of("XForwardedFor", "10.0.0.1", Origins.Headers("X-Forwarded-For", header)).ToString());
    }

    [Theory]
    [InlineData("10.0.0.1", "198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "2001:db8::1", "2001:db8::1")]
    [InlineData("10.0.0.1", " 198.51.100.1 ", "198.51.100.1")]
    // The client is in a trusted network itself: one header, one address, nothing to walk.
    [InlineData("10.0.0.1", "10.9.9.9", "10.9.9.9")]
    [InlineData("203.0.113.1", "198.51.100.1", "203.0.113.1")]
    [InlineData("10.0.0.1", null, Nobody)]
    [InlineData("10.0.0.1", "", Nobody)]
    [InlineData("10.0.0.1", "1.2.3.4, 198.51.100.1", Nobody)]
    [InlineData("10.0.0.1", "1.2.3.4|198.51.100.1", Nobody)]
    [InlineData("10.0.0.1", "nonsense", Nobody)]
    public void Resolve_SingleHeader_TakesExactlyOneAddress(string peer, string? header, string expected) =>
        Assert.Equal(expected, Origins.Of("Header:CF-Connecting-IP", peer, Origins.Headers("cf-connecting-ip", header?.Split('|') ?? [])).ToString());

    [Theory]
    [InlineData("10.0.0.1", ProxyClaimKind.Client, "198.51.100.1", ClientAddressSource.ProxyProtocol)]
    [InlineData("10.0.0.1", ProxyClaimKind.Itself, "10.0.0.1", ClientAddressSource.ProxyItself)]
    [InlineData("10.0.0.1", ProxyClaimKind.NoAddress, Nobody, ClientAddressSource.Unresolved)]
    [InlineData("10.0.0.1", ProxyClaimKind.None, Nobody, ClientAddressSource.Unresolved)]
    [InlineData("203.0.113.1", ProxyClaimKind.None, "203.0.113.1", ClientAddressSource.Socket)]
    public void Resolve_ProxyClaim_DecidesForTrustedPeers(string peer, object kind, string expected, object source)
    {
        var claim = new ProxyClaim((ProxyClaimKind)kind, kind is ProxyClaimKind.Client ? IpKey.From(IPAddress.Parse("198.51.100.1")) : default);
        var origin = Origins.Resolver.Resolve(Origins.Rule("ProxyProtocol"), Origins.Key(peer), _ => default, claim);

        Assert.Equal((expected, (ClientAddressSource)source), (origin.Address.ToString(), origin.Source));
        Assert.Equal(peer, origin.Peer.ToString());
    }

    [Theory]
    // Only the listener's own way is read: another header beside it changes nothing.
    [InlineData("Socket", "10.0.0.1")]
    [InlineData("XForwardedFor", "198.51.100.1")]
    [InlineData("Forwarded", "198.51.100.2")]
    [InlineData("Header:X-Real-IP", "198.51.100.3")]
    [InlineData("ProxyProtocol", "198.51.100.4")]
    public void Resolve_EverythingAtOnce_ReadsTheListenersWayOnly(string rule, string expected)
    {
        var headers = Origins.Headers("X-Forwarded-For", "198.51.100.1");
        headers["Forwarded"] = "for=198.51.100.2";
        headers["X-Real-IP"] = "198.51.100.3";
        var claim = new ProxyClaim(ProxyClaimKind.Client, IpKey.From(IPAddress.Parse("198.51.100.4")));

        Assert.Equal(expected, Origins.Resolver.Resolve(Origins.Rule(rule), Origins.Key("10.0.0.1"), Origins.Lookup(headers), claim).Address.ToString());
    }

    [Theory]
    [InlineData("X-Forwarded-For", "XForwardedFor")]
    [InlineData("Forwarded", "XForwardedFor")]
    [InlineData("X-Forwarded-For", "ProxyProtocol")]
    [InlineData("CF-Connecting-IP", "Header:CF-Connecting-IP")]
    public void Resolve_StrangerWithAHeader_IsNoted(string header, string rule) => Assert.Equal(
        ClientAddressSource.UnlistedProxy,
        Origins.Resolver.Resolve(Origins.Rule(rule), Origins.Key("203.0.113.1"), Origins.Lookup(Origins.Headers(header, "1.2.3.4")), default).Source);

    [Fact]
    public void Resolve_AnyWay_AllocatesNothing()
    {
        var headers = Origins.Headers("X-Forwarded-For", "1.2.3.4, 2001:db8::1, 10.1.1.1");
        headers["Forwarded"] = "for=1.2.3.4, for=\"[2001:db8::1]:80\";proto=https, for=10.1.1.1";
        headers["CF-Connecting-IP"] = "garbage";
        var peer = Origins.Key("10.0.0.1");
        var lookup = Origins.Lookup(headers);
        var rules = "Socket XForwardedFor Forwarded Header:CF-Connecting-IP ProxyProtocol".Split(' ').Select(Origins.Rule).ToArray();
        Resolve();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Resolve();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Resolve()
        {
            foreach (var rule in rules)
            {
                Origins.Resolver.Resolve(rule, peer, lookup, default);
            }
        }
    }
}
