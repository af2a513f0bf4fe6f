using System.Text;
using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;
using Relay.Federation;
using Relay.Transport;

namespace Relay.EndToEnd.Transport;

/// <summary>A connection is pending until it is an admitted client, a peer, or closed; and an address has so many of those.</summary>
public sealed class PendingConnectionTests
{
    private const string NoBody = "";
    private const string Length = "Content-Length: 1000\r\n";
    private const string Chunked = "Transfer-Encoding: chunked\r\n";

    public static TheoryData<string, string, int, bool> Bodies
    {
        get
        {
            var rows = new TheoryData<string, string, int, bool>();
            foreach (var isTls in new[] { false, true })
            {
                rows.Add("POST /", Length, 405, isTls);
                rows.Add("POST /health", Length, 405, isTls);
                rows.Add("PUT /federation", Length, 405, isTls);
                rows.Add("POST /", Chunked, 405, isTls);
                rows.Add("GET /", Length, 413, isTls);
                rows.Add("GET /health", Length, 413, isTls);
                rows.Add("HEAD /stats", Chunked, 413, isTls);
                rows.Add("GET /", Chunked, 413, isTls);
                rows.Add("GET /health", NoBody, 200, isTls);
                rows.Add("GET /", NoBody, 426, isTls);
                rows.Add("DELETE /", NoBody, 405, isTls);
            }

            return rows;
        }
    }

    // Kestrel's own wait for a body is 5 s; the client does not close its side.
    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task PlainAnswer_BodyNeverComes_EndsTheConnection(string request, string headers, int status, bool isTls)
    {
        using var certificate = new TestCertificate();
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Federation.Admit = FederationAdmit.Any;
            if (isTls)
            {
                (settings.Listen.CertificateFile, settings.Listen.KeyFile) = (certificate.CertificateFile, certificate.KeyFile);
            }
        });
        using var client = await RawClient.ConnectAsync(server);
        if (isTls)
        {
            await client.StartTlsAsync();
        }

        await client.SendAsync($"{request} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");

        var head = await client.ReadHeadAsync();
        var answered = TimeProvider.System.GetTimestamp();
        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", head, StringComparison.Ordinal);
        await client.ReadToEndAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(answered), TimeSpan.Zero, TimeSpan.FromSeconds(4));
        await Eventually.TrueAsync(() => server.Get<HandshakeGuard>().Count == 0, "it is gone");
    }

    // Time stands still, so that nobody is closed for taking long.
    [Fact]
    public async Task PlainAnswer_BodyNeverComes_CountsUntilItIsClosed()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => settings.Listen.MaxHandshakesPerIp = settings.Admission.PerIp = 5, time);
        var clients = new List<RawClient>();
        for (var i = 0; i < 30; i++)
        {
            clients.Add(await RawClient.ConnectAsync(server));
            await clients[i].SendAsync($"POST / HTTP/1.1\r\nHost: localhost\r\n{Chunked}\r\n");
            Assert.StartsWith("HTTP/1.1 405 ", await clients[i].ReadHeadAsync(), StringComparison.Ordinal);
            Assert.InRange(server.Get<HandshakeGuard>().Count, 1, 5);
        }

        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(ClosingConnections.Interval);
                return server.Get<HandshakeGuard>().Count == 0;
            },
            "all were cut");
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Pending_AdmittedClientAndPeer_AreNot()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Federation.Admit = FederationAdmit.Any);
        await using var client = await TestClient.ConnectAsync(server);
        await using var peer = await TestClient.ConnectAsync(server, "/federation", greeted: false);
        await Eventually.TrueAsync(() => server.Get<HandshakeGuard>().Count == 0, "neither is pending");
        await client.ExpectNothingAsync();
    }

    // Refused, and not closing its side.
    [Fact]
    public async Task Pending_RefusedClient_IsUntilItIsClosed()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.Overrides = ["127.0.0.2=deny"], time);
        await using var refused = await RawWebSocket.OpenAsync(server.Port, from: "127.0.0.2");
        Assert.Equal(1008, (await refused.ReadCloseAsync()).Code);
        Assert.Equal(1, server.Get<HandshakeGuard>().Count);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(ClosingConnections.Interval);
                return server.Get<HandshakeGuard>().Count == 0;
            },
            "it was cut");
    }

    [Fact]
    public async Task Full_OneAddress_ItsOldestGoesAndTheNewcomerGetsIn()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Listen.MaxHandshakesPerIp = settings.Admission.PerIp = 5);
        using var other = await RawClient.ConnectAsync(server, "127.0.0.3");
        var idle = new List<RawClient>();
        for (var i = 0; i < 5; i++)
        {
            idle.Add(await RawClient.ConnectAsync(server, "127.0.0.2"));
            await Eventually.TrueAsync(() => server.Get<HandshakeGuard>().Count == i + 2, "it is there");
        }

        await using var newcomer = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await newcomer.ExpectNothingAsync();
        await idle[0].ReadToEndAsync();
        foreach (var client in idle[1..].Append(other))
        {
            await client.SendAsync("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        }

        idle.ForEach(client => client.Dispose());
    }

    // The same by what the proxy says, with and without TLS.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Full_OneAddressBehindAProxy_ItsOldestGoesAndNobodyElses(int listener)
    {
        using var certificate = new TestCertificate();
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Listen.MaxHandshakesPerIp = settings.Admission.PerIp = 5;
            settings.Admission.TrustedProxies = ["127.0.0.1"];
            settings.Listen.ClientAddress = "ProxyProtocol";
            settings.Listen.More = ["127.0.0.1:0 ProxyProtocol"];
            (settings.Listen.CertificateFile, settings.Listen.KeyFile) = (certificate.CertificateFile, certificate.KeyFile);
        });
        using var other = await RawClient.ConnectAsync(server.Ports[listener]);
        await other.SendAsync(Header("203.0.113.9"));
        var idle = new List<RawClient>();
        for (var i = 0; i < 20; i++)
        {
            idle.Add(await RawClient.ConnectAsync(server.Ports[listener]));
            await idle[i].SendAsync(Header("203.0.113.7"));
            await Eventually.TrueAsync(() => Displaced(server) == Math.Max(0, i - 4), "the oldest makes room");
        }

        foreach (var client in idle[..15])
        {
            await client.ReadToEndAsync();
        }

        await Eventually.TrueAsync(() => server.Get<HandshakeGuard>().Count == 6, "five of one, one of the other");
        Assert.Equal(15, Displaced(server));
        if (listener == 1)
        {
            await other.SendAsync(RawClient.Request());
            Assert.StartsWith("HTTP/1.1 101 ", await other.ReadHeadAsync(), StringComparison.Ordinal);
        }

        idle.ForEach(client => client.Dispose());
    }

    private static long Displaced(RelayServer server) => server.Get<HandshakeGuard>().Counts().Single(count => count.Key == "per_ip").Value;

    private static byte[] Header(string client) => Encoding.ASCII.GetBytes($"PROXY TCP4 {client} 192.0.2.1 4711 9000\r\n");
}
