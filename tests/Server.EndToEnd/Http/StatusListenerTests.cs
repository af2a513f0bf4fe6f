using System.Net;
using Relay.EndToEnd.Support;
using Relay.Hosting;

namespace Relay.EndToEnd.Http;

/// <summary>The status pages on a listener of their own, and what is then left on the public one.</summary>
public sealed class StatusListenerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_OnTheirOwnListener_AreAllAndNothingElse()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Http.Listen = settings.Admin.Listen = "127.0.0.1:0";
            (settings.Admin.AllowPlaintextLoopback, settings.Http.PublicMetrics, settings.Http.PublicStats) = (true, false, false);
        });
        var own = new Uri(Banner.StatusAddress(server.App, server.Settings)!);
        Assert.Equal(3, new HashSet<int> { own.Port, server.Port, NetworkAdmin.AddressOf(server).Port }.Count);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.NotFound), await PagesAsync(own));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.UpgradeRequired), await PagesAsync(server.Http));
        using var client = await RawClient.ConnectAsync(own.Port);
        await client.SendAsync(RawClient.Request());
        Assert.StartsWith("HTTP/1.1 404 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        await server.EmptyAsync();
    }

    [Fact]
    public async Task Connections_AboveTheBound_AreResetAndClientsAreServed()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Http.Listen, settings.Http.MaxConnections) = ("127.0.0.1:0", 2));
        var own = new Uri(Banner.StatusAddress(server.App, server.Settings)!);
        using (var one = await RawClient.ConnectAsync(own.Port))
        using (var two = await RawClient.ConnectAsync(own.Port))
        {
            await one.SendAsync("GET /health HTTP/1.1\r\n");
            await two.SendAsync("GET /health HTTP/1.1\r\n");
            await Eventually.TrueAsync(() => IsRefusedAsync(own), "one more is refused");
            await using var client = await RawWebSocket.OpenAsync(server.Port);
        }

        await Eventually.TrueAsync(async () => !await IsRefusedAsync(own), "there is a place again");
    }

    [Theory]
    [InlineData("https://app.example", 101)]
    [InlineData("https://other.example", 403)]
    [InlineData("https://app.example.evil.example", 403)]
    [InlineData("http://app.example", 403)]
    [InlineData("null", 403)]
    [InlineData(null, 101)]
    public async Task Origin_NotOneOfTheAllowed_Is403BeforeASlotIsTaken(string? origin, int status)
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Clients.AllowedOrigins = ["https://app.example"]);
        using var client = await RawClient.ConnectAsync(server.Port);

        await client.SendAsync(RawClient.Request(headers: origin is null ? [] : [$"Origin: {origin}"]));

        Assert.StartsWith($"HTTP/1.1 {status} ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal((status == 403 ? 1 : 0, status == 101 ? 1 : 0), (server.Get<Relay.Sessions.OriginFilter>().Rejected, server.Get<Relay.Admission.ConnectionLedger>().Totals().Live));
    }

    [Fact]
    public async Task Connections_Logged_HaveOneEntryAtEachEnd()
    {
        await using var server = await RelayServer.StartAsync();
        var log = LogCollector.Attach(server);
        await using (await RawWebSocket.OpenAsync(server.Port))
        {
        }

        await server.EmptyAsync();
        Assert.DoesNotContain(log.Lines, line => line.StartsWith("Connection ", StringComparison.Ordinal));
        server.Settings.Log.Connections = true;
        using (var client = await RawClient.ConnectAsync(server.Port))
        {
            await client.SendAsync(RawClient.Request());
            Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
            await log.ContainsAsync("Connection 2 opened: 127.0.0.1 on 127.0.0.1:" + server.Port);
            client.Reset();
        }

        await log.ContainsAsync($"Connection 2 closed: 127.0.0.1 on 127.0.0.1:{server.Port}, peer_gone after 0");
        Assert.Matches(", 0 bytes received, [1-9][0-9]* sent$", log.Lines.Single(line => line.StartsWith("Connection 2 closed", StringComparison.Ordinal)));
    }

    private static async Task<bool> IsRefusedAsync(Uri address)
    {
        using var http = new HttpClient { Timeout = TestClient.Timeout };
        try
        {
            using var answer = await http.GetAsync(new Uri(address, "/health"), Token);
            return false;
        }
        catch (Exception exception) when (exception is HttpRequestException or System.Net.Sockets.SocketException)
        {
            // The second where it was reset between its being connected and the client's looking at it.
            return true;
        }
    }

    private static async Task<(HttpStatusCode Health, HttpStatusCode Ready, HttpStatusCode Stats, HttpStatusCode Metrics, HttpStatusCode Other)> PagesAsync(Uri address)
    {
        using var http = new HttpClient { BaseAddress = address };
        return (await StatusAsync("/health"), await StatusAsync("/ready"), await StatusAsync("/stats"), await StatusAsync("/metrics"), await StatusAsync("/anything"));

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            using var answer = await http.GetAsync(path, Token);
            return answer.StatusCode;
        }
    }
}
