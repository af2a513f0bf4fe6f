using System.Net.WebSockets;
using Relay.EndToEnd.Support;
using Relay.Transport;

namespace Relay.EndToEnd.Admission;

public sealed class ChurnTests
{
    private const string Half = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgra";

    [Theory]
    [InlineData("close")]
    [InlineData("reset")]
    [InlineData("vanish")]
    [InlineData("half header")]
    [InlineData("abort in handshake")]
    [InlineData("bad frame")]
    public async Task Disconnect_InAnyWay_GivesThePlaceBack(string way)
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.Total, settings.Admission.PerIp) = (1, 1));
        for (var round = 0; round < 3; round++)
        {
            await LeaveAsync(server, way, "127.0.0.1");
            await server.EmptyAsync();
        }

        await using var next = await NextAsync(server, way);
        Assert.Equal(1, server.Live());
        await AuditAsync(server);
    }

    [Fact]
    public async Task Connect_HalfAHeader_TakesNoPlace()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.Total = 1);
        using var half = await RawClient.ConnectAsync(server);
        await half.SendAsync(Half);
        await Eventually.TrueAsync(() => server.Get<ConnectionTable>().Count == 1, "the connection is accepted");

        await using var client = await TestClient.ConnectAsync(server);
        Assert.Equal((1, 1L), (server.Live(), server.Totals().Admitted));
    }

    [Theory]
    [InlineData("not base64", "13", null)]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==", "12", "Sec-WebSocket-Version: 13, 8")]
    [InlineData("", "13", null)]
    public async Task Connect_BadUpgrade_Gets400AndTakesNoPlace(string key, string version, string? header)
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.Total = 1);
        using var bad = await RawClient.ConnectAsync(server);
        await bad.SendAsync(RawClient.Request(key: key, version: version));

        var head = await bad.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 400 ", head, StringComparison.Ordinal);
        Assert.Contains(header ?? "", head, StringComparison.Ordinal);
        await bad.ReadToEndAsync();
        Assert.Equal((0, 0L), (server.Live(), server.Totals().Admitted));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_NotAClient_CountsNothing(bool federation)
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            (settings.Admission.Total, settings.Admission.PerIp) = (1, 1);
            settings.Federation.Admit = federation ? Relay.Federation.FederationAdmit.Any : Relay.Federation.FederationAdmit.Listed;
        });
        await using var client = await TestClient.ConnectAsync(server);
        using var http = new HttpClient { BaseAddress = server.Http, Timeout = TestClient.Timeout };
        foreach (var (path, status) in new[] { ("/health", 200), ("/ready", 200), ("/stats", 200), ("/metrics", 200), ("/", 426) })
        {
            using var response = await http.GetAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal((path, status), (path, (int)response.StatusCode));
        }

        foreach (var (path, on) in new[] { ("/federation", federation), ("/server", federation), ("/admin/ws", false) })
        {
            using var peer = await RawClient.ConnectAsync(server);
            await peer.SendAsync(RawClient.Request(path));
            Assert.StartsWith(on ? "HTTP/1.1 101 " : "HTTP/1.1 404 ", await peer.ReadHeadAsync(), StringComparison.Ordinal);
            Assert.Equal(1, server.Live());
        }

        Assert.Equal((1L, 0L), (server.Totals().Admitted, server.Totals().Refused.Sum()));
        await AuditAsync(server);
    }

    [Fact]
    public async Task Churn_FiveThousandRandomConnections_EndsAtZero()
    {
        string[] ways = ["close", "reset", "vanish", "half header", "abort in handshake", "bad frame"];
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.Total, settings.Admission.PerIp) = (15, 5));
        await Task.WhenAll(Enumerable.Range(0, 20).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var cycle = 0; cycle < 250; cycle++)
            {
                await LeaveAsync(server, ways[random.Next(ways.Length)], $"127.0.0.{1 + random.Next(4)}");
            }
        })));

        await server.EmptyAsync();
        await AuditAsync(server);
        var totals = server.Totals();
        Assert.InRange(totals.Peak, 1, 15);
        Assert.All(server.Get<Relay.Admission.ConnectionLedger>().Snapshot().Keys(), key => Assert.InRange(key.Peak, 1, 5));
        Assert.True(totals.Refused.Sum() > 0, "some were refused");
        await using var next = await TestClient.ConnectAsync(server);
        Assert.Equal(1, server.Live());
    }

    // Whether the client was let in or refused does not matter here: it leaves either way.
    private static async Task LeaveAsync(RelayServer server, string way, string from)
    {
        using var client = await RawClient.ConnectAsync(server, from);
        switch (way)
        {
            case "half header":
                await client.SendAsync(Half);
                return;
            case "abort in handshake":
                await client.SendAsync(RawClient.Request());
                client.Reset();
                return;
        }

        await client.SendAsync(RawClient.Request());
        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        switch (way)
        {
            case "close":
                await client.SendAsync(RawClient.CloseFrame);
                await client.ReadToEndAsync();
                break;
            case "bad frame":
                await client.SendAsync([0xFF, 0xFF, 0xFF, 0xFF]);
                break;
            case "reset":
                await client.ReadFrameAsync();
                client.Reset();
                break;
        }
    }

    // A request that was sent and reset at once may be accepted, and for a moment admitted, only after the tables were seen empty.
    private static async Task<TestClient> NextAsync(RelayServer server, string way)
    {
        while (true)
        {
            try
            {
                return await TestClient.ConnectAsync(server);
            }
            catch (WebSocketException) when (way == "abort in handshake")
            {
                await server.EmptyAsync();
            }
        }
    }

    private static async Task AuditAsync(RelayServer server)
    {
        var result = await server.Get<LedgerReconciler>().RunAsync(TestContext.Current.CancellationToken);
        Assert.True(result is { Ok: true, Drift: 0 } && result.Ledger == server.Live(), $"{result}");
    }
}
