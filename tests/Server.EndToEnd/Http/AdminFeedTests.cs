using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Time.Testing;
using Relay.Admission;
using Relay.Configuration;
using Relay.EndToEnd.Support;
using Relay.Hosting;

namespace Relay.EndToEnd.Http;

/// <summary>/admin/ws as the admin page of the reference server uses it (docs/protocol.md, Admin pages).</summary>
public sealed class AdminFeedTests
{
    private const string Path = "/admin/ws";

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Open_ByEitherWay_GetsMetricsAndTopologyAndIsNoClient()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.RegisterAsync(server.Port, "AAAAAA");
        await using var byQuery = await OpenAsync(server);
        await using var byHeader = await TestClient.ConnectAsync(
            server.Port, Path, greeted: false, headers: new Dictionary<string, string> { ["Authorization"] = $"Bearer {Token()}" });
        foreach (var page in new[] { byQuery, byHeader })
        {
            var metrics = (await page.ExpectAsync("metrics")).GetProperty("data");
            Assert.Equal(_time.GetUtcNow().ToUnixTimeMilliseconds(), metrics.GetProperty("timestamp").GetInt64());
            Assert.Equal("""{"total":1,"relay":0,"signaling":1}""", metrics.GetProperty("connections").GetRawText());
            Assert.Equal("""{"activeCodes":1,"peakActiveCodes":1,"collisionRisk":"low","collisionAttempts":0}""", metrics.GetProperty("entropy").GetRawText());
            Assert.Equal("""{"aliveMembers":1,"suspectMembers":0,"totalMembers":1,"regions":{"local":1}}""", metrics.GetProperty("federation").GetRawText());
            var topology = (await page.ExpectAsync("federation")).GetProperty("data");
            Assert.Equal(
                $$"""{"id":"{{server.Get<Relay.Identity.ServerIdentity>().ServerId}}","region":"local","status":"alive","isLocal":true}""",
                Assert.Single(topology.GetProperty("nodes").EnumerateArray()).GetRawText());
            Assert.Empty(topology.GetProperty("edges").EnumerateArray());
        }

        Assert.Equal(1, server.Get<ConnectionLedger>().Totals().Live);
    }

    [Fact]
    public async Task Tick_EachSecond_SendsMetricsWithTheMessageRate()
    {
        await using var server = await StartAsync();
        await using var page = await OpenedAsync(server);
        _time.Advance(TimeSpan.FromSeconds(1));
        await page.ExpectAsync("metrics");
        await using var client = await TestClient.RegisterAsync(server.Port, "AAAAAA");
        await client.ExpectNothingAsync();

        _time.Advance(TimeSpan.FromSeconds(1));
        var metrics = await page.ExpectAsync("metrics");
        Assert.Equal("""{"perSecond":2,"perMinute":2}""", metrics.GetProperty("data").GetProperty("messageRate").GetRawText());
        _time.Advance(TimeSpan.FromSeconds(1));
        metrics = await page.ExpectAsync("metrics");
        Assert.Equal("""{"perSecond":0,"perMinute":2}""", metrics.GetProperty("data").GetProperty("messageRate").GetRawText());
    }

    [Fact]
    public async Task Message_OfAPage_IsAnsweredOrIgnored()
    {
        await using var server = await StartAsync();
        await using var page = await OpenedAsync(server);
        foreach (var rubbish in new[] { "", "{", "null", "[]", "1", """{"type":1}""", """{"type":"register"}""", """{"type":"PING"}""", new string('[', 200) })
        {
            await page.SendAsync(rubbish);
        }

        await page.SendAsync("""{"type":"get_topology","more":{"a":[1]}}""");
        await page.ExpectAsync("federation");
        await page.SendAsync("""{"type":"ping"}""");
        await page.ExpectAsync("metrics");
    }

    [Fact]
    public async Task Message_MoreThanTheBucketHolds_IsIgnored()
    {
        await using var server = await StartAsync();
        await using var page = await OpenedAsync(server);
        for (var i = 0; i < 50; i++)
        {
            await page.SendAsync("""{"type":"ping"}""");
        }

        await page.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", Cancel);
        var answers = 0;
        while (await IsMessageAsync(page))
        {
            answers++;
        }

        Assert.Equal(10, answers);
    }

    [Fact]
    public async Task Message_TooLong_IsClosed1009()
    {
        await using var server = await StartAsync();
        await using var page = await OpenedAsync(server);
        await page.SendAsync(new string(' ', 100_000));

        Assert.Equal(1009, (await page.ExpectCloseAsync()).Code);
    }

    [Theory]
    [InlineData(null, "Unauthorized")]
    [InlineData("", "Unauthorized")]
    [InlineData("rubbish", "Invalid or expired token")]
    [InlineData("expired", "Invalid or expired token")]
    [InlineData("future", "Invalid or expired token")]
    [InlineData("other secret", "Invalid or expired token")]
    [InlineData("no algorithm", "Invalid or expired token")]
    [InlineData("other algorithm", "Invalid or expired token")]
    [InlineData("changed", "Invalid or expired token")]
    [InlineData("long", "Invalid or expired token")]
    public async Task Open_WithoutAValidToken_Is401BeforeTheUpgrade(string? kind, string error)
    {
        await using var server = await StartAsync();
        var log = LogCollector.Attach(server);
        var now = _time.GetUtcNow();
        var token = kind switch
        {
            "rubbish" => "a.b.c",
            "expired" => AdminFeedToken.Sign(now, now.AddSeconds(-1)),
            "future" => AdminFeedToken.Sign(now, now.AddHours(9), notBefore: now.AddHours(1)),
            "other secret" => AdminFeedToken.Sign(now, now.AddHours(1), secret: "another secret, which is as long as it must be"),
            "no algorithm" => AdminFeedToken.Sign(now, now.AddHours(1), algorithm: "none"),
            "other algorithm" => AdminFeedToken.Sign(now, now.AddHours(1), algorithm: "HS512"),
            "changed" => AdminFeedToken.Sign(now, now.AddHours(1)) is var text ? string.Concat(text.AsSpan(0, text.IndexOf('.') + 1), "f", text.AsSpan(text.IndexOf('.') + 2)) : "",
            "long" => AdminFeedToken.Sign(now, now.AddHours(1), name: new string('a', 5_000)),
            _ => kind,
        };
        using var answer = await AskAsync(server.Port, token);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal(("application/json", "no-store"), (answer.Content.Headers.ContentType?.MediaType, $"{answer.Headers.CacheControl}"));
        Assert.Equal($$"""{"success":false,"error":"{{error}}"}""", await answer.Content.ReadAsStringAsync(Cancel));
        Assert.DoesNotContain(log.Lines, line => token is { Length: > 0 } && line.Contains(token, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Token_Expires_IsClosed4401()
    {
        await using var server = await StartAsync();
        await using var page = await OpenedAsync(server, AdminFeedToken.Sign(_time.GetUtcNow(), _time.GetUtcNow().AddSeconds(3)));
        await using var lasting = await OpenedAsync(server, AdminFeedToken.Sign(_time.GetUtcNow(), expires: null));
        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal((4401, "Invalid or expired token"), await page.ExpectCloseAsync());
        await lasting.ExpectAsync("metrics");
    }

    [Fact]
    public async Task Secret_IsReplacedWhileRunning_ClosesWhatTheOldOneOpened()
    {
        await using var server = await StartAsync();
        await using var page = await OpenedAsync(server);
        server.Settings.Admin.JwtSecret = "another secret, which is as long as it must be";
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal((4401, "Invalid or expired token"), await page.ExpectCloseAsync());
        using (var answer = await AskAsync(server.Port, Token()))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }

        server.Settings.Admin.JwtSecret = "";
        using (var answer = await AskAsync(server.Port, Token()))
        {
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Open_MoreThanThereAreSlots_Is503UntilOneIsFree()
    {
        await using var server = await StartAsync();
        var open = new List<TestClient>();
        for (var address = 1; address <= 4; address++)
        {
            for (var i = 0; i < 4; i++)
            {
                open.Add(await OpenedAsync(server, from: $"127.0.0.{address}"));
            }

            Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(server, $"127.0.0.{address}"));
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(server, "127.0.0.5"));
        await open[0].CloseAsync();
        await Eventually.TrueAsync(async () => await StatusAsync(server, "127.0.0.5") == HttpStatusCode.SwitchingProtocols, "one more has a slot");
        foreach (var page in open)
        {
            await page.DisposeAsync();
        }
    }

    [Fact]
    public async Task Stop_WhileAPageIsOpen_ClosesIt1001()
    {
        await using var server = await StartAsync();
        await using var page = await OpenedAsync(server);
        var stopped = server.App.StopAsync(Cancel);

        Assert.Equal((1001, "Server shutting down"), await page.ExpectCloseAsync());
        await stopped;
    }

    [Fact]
    public async Task Feed_WhereThePagesHaveAListener_IsThereAndNotOnThePublicOne()
    {
        await using var server = await StartAsync(settings => settings.Http.Listen = "127.0.0.1:0");
        var own = new Uri(Banner.StatusAddress(server.App, server.Settings)!).Port;
        await using var page = await OpenedAsync(own, Token());
        using var answer = await AskAsync(server.Port, Token());

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        using var stranger = await AskAsync(own, null);
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
    }

    [Fact]
    public async Task Load_NearTheLimit_IsAnAlertOnce()
    {
        await using var server = await StartAsync(settings => (settings.Admission.Total, settings.Admission.PerIp) = (5, 5));
        await using var page = await OpenedAsync(server);
        var clients = new List<TestClient>();
        for (var i = 0; i < 4; i++)
        {
            clients.Add(await TestClient.ConnectAsync(server.Port));
        }

        _time.Advance(TimeSpan.FromSeconds(1));
        await page.ExpectAsync("metrics");
        var alert = (await page.ExpectAsync("alert")).GetProperty("data");
        Assert.Equal("""{"level":"warning","message":"4 of 5 client connections are in use"}""", alert.GetRawText());
        _time.Advance(TimeSpan.FromSeconds(2));
        await page.ExpectAsync("metrics");
        await page.ExpectAsync("metrics");
        clients.Add(await TestClient.ConnectAsync(server.Port));
        _time.Advance(TimeSpan.FromSeconds(1));
        await page.ExpectAsync("metrics");
        Assert.Equal("error", (await page.ExpectAsync("alert")).GetProperty("data").GetProperty("level").GetString());
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    // A page is an operator's: limits of clients, and bans, are not for it.
    [Fact]
    public async Task Open_TheRelayIsFull_IsLetIn()
    {
        await using var server = await StartAsync(settings => (settings.Admission.Total, settings.Admission.PerIp) = (1, 1));
        await using var client = await TestClient.ConnectAsync(server.Port);
        await using var page = await OpenedAsync(server);

        Assert.Equal(1, server.Get<ConnectionLedger>().Totals().Live);
    }

    private Task<RelayServer> StartAsync(Action<RelaySettings>? configure = null) => RelayServer.StartAsync(
        settings =>
        {
            settings.Admin.JwtSecret = AdminFeedToken.Secret;
            configure?.Invoke(settings);
        },
        _time);

    private string Token() => AdminFeedToken.Sign(_time.GetUtcNow(), _time.GetUtcNow().AddHours(1));

    private Task<TestClient> OpenAsync(RelayServer server, string? token = null, string? from = null) => OpenAsync(server.Port, token ?? Token(), from);

    private static Task<TestClient> OpenAsync(int port, string token, string? from = null) => TestClient.ConnectAsync(port, $"{Path}?token={token}", from, greeted: false);

    private Task<TestClient> OpenedAsync(RelayServer server, string? token = null, string? from = null) => OpenedAsync(server.Port, token ?? Token(), from);

    /// <summary>One that has read its greeting.</summary>
    private static async Task<TestClient> OpenedAsync(int port, string token, string? from = null)
    {
        var page = await OpenAsync(port, token, from);
        await page.ExpectAsync("metrics");
        await page.ExpectAsync("federation");
        return page;
    }

    private async Task<HttpStatusCode> StatusAsync(RelayServer server, string from)
    {
        using var client = await RawClient.ConnectAsync(server.Port, from);
        await client.SendAsync(RawClient.Request($"{Path}?token={Token()}"));
        return (HttpStatusCode)int.Parse((await client.ReadHeadAsync()).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<HttpResponseMessage> AskAsync(int port, string? token)
    {
        using var http = new HttpClient { Timeout = TestClient.Timeout };
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}{Path}{(token is null ? "" : $"?token={token}")}");
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Add("Upgrade", "websocket");
        request.Headers.Add("Sec-WebSocket-Version", "13");
        request.Headers.Add("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==");
        return await http.SendAsync(request, Cancel);
    }

    private static async Task<bool> IsMessageAsync(TestClient page)
    {
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        var received = await page.Socket.ReceiveAsync(new byte[64 * 1024].AsMemory(), cancel.Token);
        Assert.True(received.EndOfMessage);
        return received.MessageType != WebSocketMessageType.Close;
    }
}
