using System.Net;
using Microsoft.AspNetCore.Http;
using Relay.Addresses;

namespace Server.Tests.Addresses;

/// <summary>The same walk, told hop by hop.</summary>
public sealed class ResolutionTraceTests
{
    [Fact]
    public void Trace_ThreeHops_NamesNetworkAndHeaderOfEach() => Assert.Equal(
        [
            "socket | 10.0.0.1 | is a trusted proxy (matches 10.0.0.0/8), reading X-Forwarded-For",
            "X-Forwarded-For, 1st from the right | fd00::7 | is a trusted proxy (matches fd00::/32), reading the address before it",
            "X-Forwarded-For, 2nd from the right | 198.51.100.1 | is the client: the first address from the right that is not a trusted proxy",
        ],
        Trace("XForwardedFor", "10.0.0.1", Origins.Headers("X-Forwarded-For", "1.2.3.4, 198.51.100.1, [fd00::7]:80")));

    [Fact]
    public void Trace_AllHopsTrusted_SaysWhyTheFirstIsTheClient() => Assert.Equal(
        "Forwarded | 10.1.1.1 | is the client: all hops are trusted proxies, and this is the first of them",
        Trace("Forwarded", "10.0.0.1", Origins.Headers("Forwarded", "for=10.1.1.1, for=10.2.2.2"))[^1]);

    [Theory]
    [InlineData("XForwardedFor", "203.0.113.1", "socket | 203.0.113.1 | is the client: not in Admission:TrustedProxies, so its headers are ignored")]
    [InlineData("Socket", "10.0.0.1", "socket | 10.0.0.1 | is the client: this listener does not expect proxies")]
    [InlineData("XForwardedFor", "10.0.0.1", "X-Forwarded-For, 1st from the right | unix: | is not a usable IP address: the client's address is unresolved")]
    [InlineData("Forwarded", "10.0.0.1", "Forwarded | nothing | was sent: the client's address is unresolved")]
    [InlineData("Header:X-Real-IP", "10.0.0.1", "X-Real-IP | nothing | was sent: the client's address is unresolved")]
    [InlineData("ProxyProtocol", "10.0.0.1", "PROXY header | no IP address | was sent: the client's address is unresolved")]
    public void Trace_WhereTheWalkStops_SaysWhy(string rule, string peer, string last) =>
        Assert.Equal(last, Trace(rule, peer, Origins.Headers("X-Forwarded-For", "198.51.100.1, unix:"))[^1]);

    [Fact]
    public void Trace_ProxyClaims_SaysForWhom()
    {
        Assert.Equal("PROXY header | 198.51.100.1 | is the client", Trace(ProxyClaimKind.Client));
        Assert.Equal("PROXY header | LOCAL or UNKNOWN | means that the proxy connects for itself: counted by its own address", Trace(ProxyClaimKind.Itself));

        static string Trace(ProxyClaimKind kind) =>
            ResolutionTraceTests.Trace("ProxyProtocol", "10.0.0.1", [], new ProxyClaim(kind, IpKey.From(IPAddress.Parse("198.51.100.1"))))[^1];
    }

    private static string[] Trace(string rule, string peer, HeaderDictionary headers, ProxyClaim claim = default)
    {
        var steps = new List<ResolutionStep>();
        var (way, socket) = (Origins.Rule(rule), IPAddress.Parse(peer));
        var traced = Origins.Resolver.Trace(way, socket, name => headers[name], claim, steps);
        Assert.Equal(Origins.Resolver.Resolve(way, IpKey.From(socket), name => headers[name], claim), traced);
        return [.. steps.Select(step => $"{step.Where} | {step.Found} | {step.Verdict}")];
    }
}
