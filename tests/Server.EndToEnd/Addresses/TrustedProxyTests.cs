using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Addresses;

public sealed class TrustedProxyTests
{
    [Fact]
    public async Task Connect_PeerIsNotTrusted_HeaderIsIgnored()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.TrustedProxies = ["127.0.0.9/32"]);
        using var client = await RawClient.UpgradeAsync(server, "127.0.0.1", "X-Forwarded-For: 203.0.113.7");

        Assert.Equal(["127.0.0.1"], server.HeldKeys());
    }

    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("198.51.100.1, 203.0.113.7", "203.0.113.7")]
    [InlineData("198.51.100.1, 203.0.113.7, 10.1.2.3, 127.0.0.1", "203.0.113.7")]
    [InlineData("203.0.113.7:4711", "203.0.113.7")]
    [InlineData("203.0.113.7, nonsense, 10.1.2.3", "unresolved")]
    [InlineData("203.0.113.7, , 10.1.2.3", "unresolved")]
    [InlineData("203.0.113.7, 10.1.2", "unresolved")]
    [InlineData("", "unresolved")]
    [InlineData("unknown", "unresolved")]
    [InlineData("10.0.0.1, 10.0.0.2", "10.0.0.1")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("64:ff9b::203.0.113.7", "203.0.113.7")]
    [InlineData("64:ff9b:1:cb00:0:7107::", "64:ff9b:1:cb00::/64")]
    [InlineData("64:ff9b:1:cb00:71:700::", "203.0.113.7")]
    [InlineData("203.0.113.7, ::ffff:10.1.2.3", "203.0.113.7")]
    [InlineData("2001:db8:0:7:aaaa::1", "2001:db8:0:7::/64")]
    [InlineData("[2001:db8:0:7:aaaa::1]:4711", "2001:db8:0:7::/64")]
    [InlineData("[2001:db8:0:7:aaaa::1", "unresolved")]
    [InlineData("fe80::1%1", "fe80::/64")]
    public async Task Connect_PeerIsTrusted_HeaderIsWalkedFromTheRight(string header, string key)
    {
        await using var server = await StartAsync();
        using var client = await RawClient.UpgradeAsync(server, "127.0.0.1", $"X-Forwarded-For: {header}");

        Assert.Equal([key], server.HeldKeys());
    }

    [Fact]
    public async Task Connect_SeveralHeaderLines_LastLineIsReadFirst()
    {
        await using var server = await StartAsync();
        using var outer = await RawClient.UpgradeAsync(
            server, "127.0.0.1", "X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.7, 10.0.0.1", "X-Forwarded-For: 10.0.0.2");
        using var broken = await RawClient.UpgradeAsync(
            server, "127.0.0.1", "X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: nonsense", "X-Forwarded-For: 10.0.0.2");

        Assert.Equal(["203.0.113.7", "unresolved"], server.HeldKeys());
    }

    [Fact]
    public async Task Connect_SameIpv6Network_SharesOneLimit()
    {
        await using var server = await StartAsync(perIp: 1);
        using var first = await RawClient.UpgradeAsync(server, "127.0.0.1", "X-Forwarded-For: 2001:db8:0:7::1");
        using var same = await RawClient.UpgradeAsync(server, "127.0.0.1", "X-Forwarded-For: 2001:db8:0:7:ffff::2");
        using var other = await RawClient.UpgradeAsync(server, "127.0.0.1", "X-Forwarded-For: 2001:db8:0:8::1");

        Assert.Equal((1013, "Too many connections from this IP"), await same.ReadCloseAsync());
        Assert.Equal(["2001:db8:0:7::/64", "2001:db8:0:8::/64"], server.HeldKeys());
    }

    [Fact]
    public async Task Connect_ClientsBehindAProxy_AreLimitedEachAlone()
    {
        await using var server = await StartAsync(perIp: 1);
        using var first = await RawClient.UpgradeAsync(server, "127.0.0.1", "X-Forwarded-For: 203.0.113.7");
        using var second = await RawClient.UpgradeAsync(server, "127.0.0.1", "X-Forwarded-For: 203.0.113.8");
        using var refused = await RawClient.UpgradeAsync(server, "127.0.0.1", "X-Forwarded-For: 203.0.113.8");

        Assert.Equal((1013, "Too many connections from this IP"), await refused.ReadCloseAsync());
        Assert.Equal(["203.0.113.7", "203.0.113.8"], server.HeldKeys());
    }

    private static Task<RelayServer> StartAsync(int perIp = 50) => RelayServer.StartAsync(settings =>
        (settings.Admission.TrustedProxies, settings.Admission.PerIp) = (["127.0.0.1/32", "10.0.0.0/8"], perIp));
}
