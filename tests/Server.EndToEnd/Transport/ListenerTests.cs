using System.Net;
using System.Net.Sockets;
using System.Text;
using Relay.Addresses;
using Relay.EndToEnd.Support;
using Relay.Policy;

namespace Relay.EndToEnd.Transport;

/// <summary>Several public listeners at once, each with its own way to find the client.</summary>
[Trait("Programs", "Started")]
public sealed class ListenerTests
{
    private const string Everything =
        "X-Forwarded-For: 203.0.113.1|Forwarded: for=\"203.0.113.2:80\";proto=https|CF-Connecting-IP: 203.0.113.3";

    [Fact]
    public async Task Connect_FiveListeners_EachFindsTheClientItsWay()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Admission.TrustedProxies = ["127.0.0.1"];
            settings.Listen.More =
            [
                "127.0.0.1:0 Socket", "127.0.0.1:0 Forwarded", "127.0.0.1:0 Header:CF-Connecting-IP", "127.0.0.1:0 ProxyProtocol",
            ];
        });
        string[] expected = ["203.0.113.1", "127.0.0.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"];
        Assert.Equal(expected.Length, server.Ports.Count);
        for (var i = 0; i < expected.Length; i++)
        {
            using var client = await RawClient.ConnectAsync(server.Ports[i]);
            var header = i == 4 ? "PROXY TCP4 203.0.113.4 192.0.2.1 1 2\r\n" : "";
            await client.SendAsync(header + RawClient.Request(headers: Everything.Split('|')));

            Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
            Assert.Equal([expected[i]], server.HeldKeys());
            client.Reset();
            await server.EmptyAsync();
        }
    }

    // The reference network believes headers from any peer.
    [Fact]
    public async Task Connect_StrangerOnAnyListener_IsCountedByItsOwnAddress()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Admission.TrustedProxies = ["127.0.0.9"];
            settings.Listen.More = ["127.0.0.1:0 Forwarded", "127.0.0.1:0 Header:CF-Connecting-IP", "127.0.0.1:0 ProxyProtocol"];
        });
        foreach (var port in server.Ports)
        {
            using var client = await RawClient.UpgradeAsync(port, "127.0.0.2", Everything.Split('|'));

            Assert.Equal(["127.0.0.2"], server.HeldKeys());
            client.Reset();
            await server.EmptyAsync();
        }
    }

    [Theory]
    [InlineData("Forwarded", "Forwarded: for=unknown")]
    [InlineData("Header:X-Real-IP", "X-Real-IP: 198.51.100.1, 203.0.113.7")]
    [InlineData("Header:X-Real-IP", "X-Forwarded-For: 203.0.113.7")]
    public async Task Connect_TrustedProxyTellsNoAddress_IsUnresolved(string clientAddress, string header)
    {
        await using var server = await RelayServer.StartAsync(settings =>
            (settings.Admission.TrustedProxies, settings.Listen.ClientAddress) = (["127.0.0.1"], clientAddress));
        using var client = await RawClient.UpgradeAsync(server, "127.0.0.1", header);

        Assert.Equal([IpKey.Unresolved.ToString()], server.HeldKeys());
    }

    // Not everybody in one bucket, which would be the limit of one address for all of a proxy's clients.
    [Fact]
    public async Task Connect_ManyUnresolved_HaveALimitOfTheirOwn()
    {
        await using var server = await RelayServer.StartAsync(settings =>
            (settings.Admission.TrustedProxies, settings.Admission.PerIp, settings.Admission.UnresolvedLimit) = (["127.0.0.1"], 1, 2));
        using var first = await RawClient.UpgradeAsync(server);
        using var second = await RawClient.UpgradeAsync(server);
        using var third = await RawClient.UpgradeAsync(server);
        using var attributed = await RawClient.UpgradeAsync(server, "127.0.0.1", "X-Forwarded-For: 203.0.113.7");

        Assert.Equal((1013, "Too many connections without a client address"), await third.ReadCloseAsync());
        Assert.Equal(["203.0.113.7", "unresolved"], server.HeldKeys());
        Assert.Equal(3, server.Live());
    }

    [Fact]
    public async Task Connect_UnresolvedAreRefused_NoneComesIn()
    {
        await using var server = await RelayServer.StartAsync(settings =>
            (settings.Admission.TrustedProxies, settings.Admission.Unresolved) = (["127.0.0.1"], UnresolvedPolicy.Refuse));
        using var nobody = await RawClient.UpgradeAsync(server);
        using var somebody = await RawClient.UpgradeAsync(server, "127.0.0.1", "X-Forwarded-For: 203.0.113.7");

        Assert.Equal((1013, "No client address from the proxy"), await nobody.ReadCloseAsync());
        Assert.Equal(["203.0.113.7"], server.HeldKeys());
    }

    [Fact]
    public async Task Pages_EveryListener_ServesThem()
    {
        using var certificate = new TestCertificate();
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Admission.TrustedProxies = ["127.0.0.9"];
            settings.Listen.More = ["127.0.0.1:0", "127.0.0.1:0 Tls Socket", "127.0.0.1:0 ProxyProtocol"];
            (settings.Listen.CertificateFile, settings.Listen.KeyFile) = (certificate.CertificateFile, certificate.KeyFile);
        });
        foreach (var (port, usesTls) in server.Ports.Zip([true, false, true, false]))
        {
            foreach (var path in new[] { "/health", "/ready", "/stats", "/metrics" })
            {
                using var client = await RawClient.ConnectAsync(port);
                if (usesTls)
                {
                    await client.StartTlsAsync();
                }

                await client.SendAsync($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("::1", "::/64")]
    [InlineData("::", "::/64")]
    [InlineData("::", "127.0.0.1")]
    public async Task Connect_Ipv6Listener_CountsByPrefixAndUnwrapsIpv4(string address, string key)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6 && CanBind(), "this machine has no IPv6 loopback");
        await using var server = await RelayServer.StartAsync(settings => settings.Listen.Address = address);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        await socket.ConnectAsync(new IPEndPoint(key[0] == ':' ? IPAddress.IPv6Loopback : IPAddress.Loopback, server.Port), cancel.Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes(RawClient.Request()), cancel.Token);
        await server.LiveIsAsync(1);

        Assert.Equal([key], server.HeldKeys());
    }

    [Fact]
    public async Task Start_SeveralListeners_LogNamesThem()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:TrustedProxies=127.0.0.1", "--Listen:More=127.0.0.1:0 ProxyProtocol");

        Assert.Matches(@"listens on http://127\.0\.0\.1:\d+, http://127\.0\.0\.1:\d+ \(ProxyProtocol\), admin on", relay.Output);
    }

    private static bool CanBind()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
