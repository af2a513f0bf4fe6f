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
            "socket | 10.0.0.1 | trusted, being in 10.0.0.0/8: asked for whom it speaks",
            "X-Forwarded-For | fd00::7 | trusted, being in fd00::/32: asked for whom it speaks",
            "X-Forwarded-For | 198.51.100.1 | the client: it is not in Admission:TrustedProxies; what stands before it is not read",
        ],
        Trace("XForwardedFor", "10.0.0.1", Origins.Headers("X-Forwarded-For", "1.2.3.4, 198.51.100.1, [fd00::7]:80")));

    [Fact]
    public void Trace_AllHopsTrusted_SaysWhyTheFirstIsTheClient() => Assert.Equal(
        "Forwarded | 10.1.1.1 | the client: all hops are in trusted networks, and this is the first of them",
        Trace("Forwarded", "10.0.0.1", Origins.Headers("Forwarded", "for=10.1.1.1, for=10.2.2.2"))[^1]);

    [Theory]
    [InlineData("XForwardedFor", "203.0.113.1", "socket | 203.0.113.1 | the client: it is not in Admission:TrustedProxies, so the headers that it sent are not read")]
    [InlineData("Socket", "10.0.0.1", "socket | 10.0.0.1 | the client: this listener counts by the sockets' own addresses")]
    [InlineData("XForwardedFor", "10.0.0.1", "X-Forwarded-For | unix: | no usable address: the client is unresolved")]
    [InlineData("Forwarded", "10.0.0.1", "Forwarded | nothing | no usable address: the client is unresolved")]
    [InlineData("Header:X-Real-IP", "10.0.0.1", "X-Real-IP | nothing | no usable address: the client is unresolved")]
    [InlineData("ProxyProtocol", "10.0.0.1", "PROXY header | no IP address | no usable address: the client is unresolved")]
    public void Trace_WhereTheWalkStops_SaysWhy(string rule, string peer, string last) =>
        Assert.Equal(last, Trace(rule, peer, Origins.Headers("X-Forwarded-For", "198.51.100.1, unix:"))[^1]);

    [Fact]
    public void Trace_ProxyClaims_SaysForWhom()
    {
        Assert.Equal("PROXY header | 198.51.100.1 | the client", Trace(ProxyClaimKind.Client));
        Assert.Equal("PROXY header | LOCAL or UNKNOWN | the proxy speaks for itself: its own address counts", Trace(ProxyClaimKind.Itself));

        static string Trace(ProxyClaimKind kind) =>
            ResolutionTraceTests.Trace("ProxyProtocol", "10.0.0.1", [], new ProxyClaim(kind, IpKey.From(IPAddress.Parse("198.51.100.1"))))[^1];
    }

    private static string[] Trace(string rule, string peer, HeaderDictionary headers, ProxyClaim claim = default)
    {
        var steps = new List<ResolutionStep>();
        var (way, socket) = (Origins.Rule(rule), IPAddress.Parse(peer));
        var traced = Origins.Resolver.Trace(way, socket, name => headers[name], claim, steps);
        Assert.Equal(Origins.Resolver.Resolve(way, socket, name => headers[name], claim), traced);
        return [.. steps.Select(step => $"{step.Where} | {step.Found} | {step.Verdict}")];
    }
}
