namespace Server.Tests.Addresses;

/// <summary>Forwarded, RFC 7239, from a trusted peer.</summary>
public sealed class ForwardedHeaderTests
{
    private const string Nobody = "unresolved";

    [Theory]
    // Section 4's own examples.
    [InlineData("for=192.0.2.43", "192.0.2.43")]
    [InlineData("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17")]
    [InlineData("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60")]
    [InlineData("for=192.0.2.43, for=198.51.100.17", "198.51.100.17")]
    [InlineData("for=\"_gazonk\"", Nobody)]
    [InlineData("for=unknown", Nobody)]
    // Names in any case, pairs in any order, blanks where proxies put them.
    [InlineData("FOR=192.0.2.43", "192.0.2.43")]
    [InlineData("by=203.0.113.43;for=192.0.2.60;host=\"a.example:80\"", "192.0.2.60")]
    [InlineData("proto=http; for=192.0.2.60", "192.0.2.60")]
    [InlineData("for=192.0.2.60 ; proto=http", "192.0.2.60")]
    [InlineData("for=192.0.2.60;", "192.0.2.60")]
    [InlineData(" for=192.0.2.60 ,\tfor=10.0.0.9 ", "192.0.2.60")]
    // Ports, plain and hidden; quoted or not.
    [InlineData("for=\"192.0.2.43:47011\"", "192.0.2.43")]
    [InlineData("for=192.0.2.43:47011", "192.0.2.43")]
    [InlineData("for=\"192.0.2.43:_port\"", "192.0.2.43")]
    [InlineData("for=\"[2001:db8::1]:_port\"", "2001:db8::1")]
    [InlineData("for=\"[2001:db8::1]\"", "2001:db8::1")]
    [InlineData("for=[2001:db8::1]", "2001:db8::1")]
    [InlineData("for=\"[::ffff:192.0.2.43]\"", "192.0.2.43")]
    [InlineData("for=\"192.0.2.43:_\"", Nobody)]
    [InlineData("for=\"192.0.2.43:_a b\"", Nobody)]
    [InlineData("for=\"192.0.2.43:65536\"", Nobody)]
    // Without brackets the last group could be a port.
    [InlineData("for=\"2001:db8::1\"", Nobody)]
    [InlineData("for=\"::ffff:192.0.2.43\"", Nobody)]
    // Trusted hops are passed, hidden ones and those without for= are not.
    [InlineData("for=192.0.2.60, for=10.0.0.9", "192.0.2.60")]
    [InlineData("for=192.0.2.60, for=\"[fd00::9]\";proto=https", "192.0.2.60")]
    [InlineData("for=192.0.2.60, for=_hop, for=10.0.0.9", Nobody)]
    [InlineData("for=192.0.2.60, by=10.0.0.9", Nobody)]
    [InlineData("for=192.0.2.60, ", Nobody)]
    [InlineData("", Nobody)]
    // Quotes, commas and backslashes in the other values.
    [InlineData("for=1.2.3.4, host=\"a,b\";for=192.0.2.60", "192.0.2.60")]
    [InlineData("for=1.2.3.4, secret=\"a\\\"b,c\";for=192.0.2.60", "192.0.2.60")]
    [InlineData("for=1.2.3.4, secret=\"a\\\\\";for=192.0.2.60", "192.0.2.60")]
    [InlineData("for=1.2.3.4, secret=\"for=5.6.7.8;\";for=192.0.2.60", "192.0.2.60")]
    // An address has no backslash.
    [InlineData("for=\"192.0.2.4\\3\"", Nobody)]
    // Two for= in one element: nobody can say which.
    [InlineData("for=192.0.2.60;for=198.51.100.1", Nobody)]
    [InlineData("for=192.0.2.60;FOR=192.0.2.60", Nobody)]
    // Not a list of pairs.
    [InlineData("192.0.2.60", Nobody)]
    [InlineData("for", Nobody)]
    [InlineData("for=", Nobody)]
    [InlineData("=192.0.2.60", Nobody)]
    [InlineData("for =192.0.2.60", Nobody)]
    [InlineData("for=\"192.0.2.60", Nobody)]
    [InlineData("for=\"192.0.2.60\"x", Nobody)]
    [InlineData("for=192.0.2.60 x", Nobody)]
    [InlineData("xfor=192.0.2.60", Nobody)]
    public void Resolve_Forwarded_WalksFromTheRight(string header, string expected) =>
        Assert.Equal(expected, Origins.Of("Forwarded", "10.0.0.1", Origins.Headers("Forwarded", header)).ToString());

    [Theory]
    // What a client sent stands left of what the proxy appends, and must not change how that is read.
    [InlineData("for=\"")]
    [InlineData("for=\"1.2.3.4")]
    [InlineData("\"")]
    [InlineData("\\")]
    [InlineData("\"\\")]
    [InlineData("for=1.2.3.4;by=\"")]
    [InlineData("for=\"\\\"")]
    [InlineData("for=1.2.3.4, \"\"\"")]
    [InlineData("for=1.2.3.4;")]
    [InlineData(",,,")]
    public void Resolve_ClientOpensAQuote_CannotSwallowTheProxysElement(string sent)
    {
        foreach (var appended in new[] { "for=203.0.113.7", "for=\"203.0.113.7:80\";proto=https", "proto=https;for=\"203.0.113.7\"" })
        {
            Assert.Equal("203.0.113.7", Origins.Of("Forwarded", "10.0.0.1", Origins.Headers("Forwarded", $"{sent}, {appended}")).ToString());
            Assert.Equal("203.0.113.7", Origins.Of("Forwarded", "10.0.0.1", Origins.Headers("Forwarded", sent, appended)).ToString());
        }
    }

    [Fact]
    public void Resolve_SeveralLines_ReadsTheLastFirst() => Assert.Equal(
        "198.51.100.1",
        Origins.Of("Forwarded", "10.0.0.1", Origins.Headers("Forwarded", "for=1.2.3.4", "for=198.51.100.1, for=10.1.1.1", "for=\"10.2.2.2:80\"")).ToString());
}
