using System.Net;
using Relay.Federation;

namespace Server.Tests.Federation;

public sealed class EndpointRuleTests
{
    private static readonly EndpointRule Public = new(allowPrivate: false);
    private static readonly EndpointRule Private = new(allowPrivate: true);

    [Theory]
    [InlineData("wss://relay.example")]
    [InlineData("wss://relay.example/")]
    [InlineData("ws://relay.example.org:9000/federation")]
    [InlineData("wss://8.8.8.8:443")]
    [InlineData("wss://[2606:4700::1111]")]
    [InlineData("wss://xn--bcher-kva.example")]
    public void Denial_PublicEndpoint_IsNull(string endpoint)
    {
        Assert.Null(Public.Denial(endpoint));
        Assert.Null(Private.Denial(endpoint));
    }

    [Theory]
    [InlineData("ws://localhost:9000")]
    [InlineData("ws://localhost.:9000")]
    [InlineData("ws://api.localhost")]
    [InlineData("ws://relay")]
    [InlineData("ws://db.internal")]
    [InlineData("ws://printer.local")]
    [InlineData("ws://127.0.0.1:9000")]
    [InlineData("ws://10.1.2.3")]
    [InlineData("ws://172.16.0.1")]
    [InlineData("ws://192.168.1.1")]
    [InlineData("ws://169.254.169.254/latest")]
    [InlineData("ws://100.64.0.1")]
    [InlineData("ws://2130706433")]
    [InlineData("ws://0x7f000001")]
    [InlineData("ws://127.1")]
    [InlineData("ws://[::1]")]
    [InlineData("ws://[fd00::1]")]
    [InlineData("ws://[fe80::1]")]
    [InlineData("ws://[::ffff:10.0.0.1]")]
    [InlineData("ws://[64:ff9b::10.0.0.1]")]
    public void Denial_PrivateHost_IsSaidUnlessAllowed(string endpoint)
    {
        Assert.NotNull(Public.Denial(endpoint));
        Assert.Null(Private.Denial(endpoint));
        Assert.Null(Public.DialUri(endpoint));
        Assert.NotNull(Private.DialUri(endpoint));
    }

    [Theory]
    [InlineData("")]
    [InlineData("relay.example")]
    [InlineData("https://relay.example")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ws://")]
    [InlineData("wss://user:secret@relay.example")]
    [InlineData("wss://relay.example/#part")]
    [InlineData("wss://relay.example/\u0001")]
    [InlineData("wss://relay.example/ x")]
    [InlineData("wss://bücher.example")]
    [InlineData("wss://relay.example:0")]
    [InlineData("wss://1.2.3.4.5")]
    [InlineData("ws://0.0.0.0")]
    [InlineData("ws://224.0.0.1")]
    [InlineData("ws://[ff02::1]")]
    [InlineData("ws://[::]")]
    public void Denial_NoEndpointOfAHost_IsAlwaysSaid(string endpoint)
    {
        Assert.NotNull(Public.Denial(endpoint));
        Assert.NotNull(Private.Denial(endpoint));
    }

    [Fact]
    public void Denial_TooLong_IsSaid()
    {
        var longest = "wss://relay.example/".PadRight(EndpointRule.MaxChars, 'a');

        Assert.Null(Public.Denial(longest));
        Assert.NotNull(Public.Denial(longest + 'a'));
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("::ffff:192.168.0.1", false)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("::1", false)]
    public void Allows_AddressOfAName_IsJudgedToo(string address, bool allowed)
    {
        Assert.Equal(allowed, Public.Allows(IPAddress.Parse(address)));
        Assert.True(Private.Allows(IPAddress.Parse(address)));
    }

    [Theory]
    [InlineData("wss://relay.example", "wss://relay.example/federation")]
    [InlineData("wss://relay.example/", "wss://relay.example/federation")]
    [InlineData("wss://relay.example:9443/server", "wss://relay.example:9443/server")]
    public void DialUri_WithoutAPath_HasThePathOfServers(string endpoint, string uri) =>
        Assert.Equal(uri, Public.DialUri(endpoint)!.AbsoluteUri);
}
