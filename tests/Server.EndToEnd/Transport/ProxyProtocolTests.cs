using System.Text;
using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;
using Relay.Transport;

namespace Relay.EndToEnd.Transport;

/// <summary>A listener in PROXY mode: 127.0.0.1 is the trusted proxy, 127.0.0.2 an untrusted client.</summary>
public sealed class ProxyProtocolTests
{
    private const string Proxy = "127.0.0.1";
    private const string Stranger = "127.0.0.2";
    private const string TextHeader = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 9000\r\n";

    private static readonly byte[] BinaryStart = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    public static TheoryData<string, byte[], string> Headers => new()
    {
        { "v1 IPv4", Encoding.ASCII.GetBytes(TextHeader), "203.0.113.7" },
        { "v1 IPv6", "PROXY TCP6 2001:db8:0:7::1 2001:db8::2 4711 9000\r\n"u8.ToArray(), "2001:db8:0:7::/64" },
        { "v1 UNKNOWN", "PROXY UNKNOWN\r\n"u8.ToArray(), "127.0.0.1" },
        { "v2 IPv4", [.. BinaryStart, 0x21, 0x11, 0, 12, 203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x67, 0x23, 0x28], "203.0.113.7" },
        { "v2 IPv4 with an extension", [.. BinaryStart, 0x21, 0x11, 0, 17, 203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x67, 0x23, 0x28, 4, 0, 2, 1, 2], "203.0.113.7" },
        { "v2 IPv6", [.. BinaryStart, 0x21, 0x21, 0, 36, 0x20, 1, 0x0D, 0xB8, 0, 0, 0, 7, .. new byte[24], 0x12, 0x67, 0x23, 0x28], "2001:db8:0:7::/64" },
        { "v2 IPv4 in IPv6", [.. BinaryStart, 0x21, 0x21, 0, 36, .. new byte[10], 0xFF, 0xFF, 203, 0, 113, 7, .. new byte[16], 0x12, 0x67, 0x23, 0x28], "203.0.113.7" },
        { "v2 LOCAL", [.. BinaryStart, 0x20, 0, 0, 0], "127.0.0.1" },
        { "v2 Unix socket", [.. BinaryStart, 0x21, 0x31, 0, 216, .. new byte[216]], "unresolved" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task Connect_ProxyTellsTheClient_CountsThat(string name, byte[] header, string key)
    {
        Assert.NotEmpty(name);
        await using var server = await StartAsync();
        using var client = await RawClient.ConnectAsync(server, Proxy);

        // Header and request in one segment: what follows the header is not lost.
        await client.SendAsync([.. header, .. Encoding.ASCII.GetBytes(RawClient.Request(headers: "X-Forwarded-For: 198.51.100.9"))]);

        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal([key], server.HeldKeys());
        Assert.Equal(1, server.Get<ProxyHeaderGate>().Count(ProxyHeaderOutcome.Accepted));
    }

    [Fact]
    public async Task Connect_HeaderByteByByte_CountsTheSame()
    {
        await using var server = await StartAsync();
        foreach (var (_, header, key) in Headers.Select(row => row.Data))
        {
            using var client = await RawClient.ConnectAsync(server, Proxy);
            foreach (var next in header)
            {
                await client.SendAsync([next]);
            }

            await client.SendAsync(RawClient.Request());

            Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
            Assert.Equal([key], server.HeldKeys());
            client.Reset();
            await server.EmptyAsync();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connect_TlsBehindTheHeader_Works(bool inOneSegment)
    {
        using var certificate = new TestCertificate();
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Admission.TrustedProxies = [Proxy];
            settings.Listen.ClientAddress = "ProxyProtocol";
            (settings.Listen.CertificateFile, settings.Listen.KeyFile) = (certificate.CertificateFile, certificate.KeyFile);
        });
        using var client = await RawClient.ConnectAsync(server, Proxy);
        if (!inOneSegment)
        {
            await client.SendAsync(TextHeader);
        }

        await client.StartTlsAsync(inOneSegment ? TextHeader : "");
        await client.SendAsync(RawClient.Request());

        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal(["203.0.113.7"], server.HeldKeys());
    }

    [Fact]
    public async Task Connect_StrangerWithoutAHeader_IsADirectClient()
    {
        await using var server = await StartAsync();
        using var client = await RawClient.ConnectAsync(server, Stranger);

        // "P" and a line break begin a header too: who begins so is waited for, and loses nothing.
        foreach (var next in RawClient.Request())
        {
            await client.SendAsync($"{next}");
        }

        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal([Stranger], server.HeldKeys());
        using var post = await RawClient.ConnectAsync(server, Stranger);
        await post.SendAsync("P");
        await post.SendAsync("OST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 405 ", await post.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_HealthCheckOfTheProxy_IsAnswered()
    {
        await using var server = await StartAsync();
        using var client = await RawClient.ConnectAsync(server, Proxy);
        await client.SendAsync([.. BinaryStart, 0x20, 0, 0, 0, .. "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n"u8]);

        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal(0, server.Live());
    }

    [Theory]
    [InlineData(Proxy, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", ProxyHeaderOutcome.Missing)]
    [InlineData(Proxy, "PROXY TCP4 203.0.113.7\r\n", ProxyHeaderOutcome.Malformed)]
    [InlineData(Proxy, "PROXY TCP4 203.0.113.7 192.0.2.1 4711 9000\n", ProxyHeaderOutcome.Malformed)]
    [InlineData(Proxy, "PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ProxyHeaderOutcome.Malformed)]
    [InlineData(Proxy, "\r\n\r\n\0\r\nQUIT\n\u0021\u0011\u007F\u007F", ProxyHeaderOutcome.Malformed)]
    [InlineData(Proxy, "\r\n\r\n\0\r\nQUIT\n\u0031", ProxyHeaderOutcome.Malformed)]
    [InlineData(Stranger, TextHeader, ProxyHeaderOutcome.Unlisted)]
    [InlineData(Stranger, "\r\n\r\n\0\r\nQUIT\n", ProxyHeaderOutcome.Unlisted)]
    public async Task Connect_WrongBeginning_IsClosedWithoutAnAnswer(string from, string sent, object outcome)
    {
        await using var server = await StartAsync();
        using var client = await RawClient.ConnectAsync(server, from);
        await client.SendAsync(sent);

        Assert.Equal("", await client.ReadToEndAsync());
        Assert.Equal(1, server.Get<ProxyHeaderGate>().Count((ProxyHeaderOutcome)outcome));
        await server.EmptyAsync();
    }

    [Theory]
    [InlineData(Proxy, "")]
    [InlineData(Proxy, "PROXY TCP4 203.0.")]
    [InlineData(Stranger, "PROX")]
    public async Task Connect_HalfAHeader_HoldsNoPlaceAndIsCutInTime(string from, string sent)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(time);
        using var client = await RawClient.ConnectAsync(server, from);
        await client.SendAsync(sent);
        await Eventually.TrueAsync(() => server.Get<ConnectionTable>().Count == 1, "the connection is there");
        Assert.Equal(0, server.Live());

        var end = client.ReadToEndAsync();
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return end.IsCompleted;
            },
            "it is closed");
        Assert.Equal("", await end);
        await server.EmptyAsync();
        Assert.Equal(1, server.Get<ProxyHeaderGate>().Count(ProxyHeaderOutcome.TooSlow));
    }

    [Theory]
    [InlineData(Proxy, false)]
    [InlineData(Proxy, true)]
    [InlineData(Stranger, false)]
    public async Task Connect_PeerLeavesHalfWay_IsForgotten(string from, bool withReset)
    {
        await using var server = await StartAsync();
        using var client = await RawClient.ConnectAsync(server, from);
        await client.SendAsync("PROXY");
        await Eventually.TrueAsync(() => server.Get<ConnectionTable>().Count == 1, "the connection is there");
        if (withReset)
        {
            client.Reset();
        }
        else
        {
            client.Dispose();
        }

        await server.EmptyAsync();
        Assert.Equal(1, server.Get<ProxyHeaderGate>().Count(ProxyHeaderOutcome.Gone));
    }

    private static Task<RelayServer> StartAsync(TimeProvider? time = null) => RelayServer.StartAsync(
        settings => (settings.Admission.TrustedProxies, settings.Listen.ClientAddress) = ([Proxy], "ProxyProtocol"), time);
}
