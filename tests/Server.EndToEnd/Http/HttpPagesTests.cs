using System.Net;
using System.Text.Json;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Http;

/// <summary>/health, /ready, /stats, /metrics, and everything else.</summary>
public sealed class HttpPagesTests
{
    [Fact]
    public async Task Pages_OneClientAndOneRefused_ShowIt()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 1);
        using var http = new HttpClient { BaseAddress = server.Http };
        await using (await TestClient.RegisterAsync(server, "AAAAAA"))
        {
            await using var refused = await TestClient.ConnectAsync(server, greeted: false);
            Assert.Equal((1013, "Too many connections from this IP"), await refused.ExpectCloseAsync());

            var stats = await http.GetStringAsync("/stats?x=1", Cancel);
            Assert.Contains("\"connections\":1,\"relayConnections\":0,\"signalingConnections\":1,\"activeCodes\":1,\"collisionRisk\":\"low\"", stats, StringComparison.Ordinal);
            var metrics = await http.GetStringAsync("/metrics", Cancel);
            Assert.Contains("\nrelay_connections{} 1", metrics, StringComparison.Ordinal);
            Assert.Contains("relay_connections_refused_total{reason=\"per_ip_limit\"} 1", metrics, StringComparison.Ordinal);
            Assert.Contains("relay_messages_received_total{type=\"register\"} 1", metrics, StringComparison.Ordinal);
            Assert.Contains("relay_limit_connections{scope=\"per_ip\"} 1", metrics, StringComparison.Ordinal);
            Assert.Contains("relay_admission_duration_seconds_count", metrics, StringComparison.Ordinal);
        }

        Assert.Contains("\"status\":\"healthy\"", await http.GetStringAsync("/health", Cancel), StringComparison.Ordinal);
    }

    /// <summary>As it is whenever tests run side by side: instruments of all servers in the process have the same names.</summary>
    [Fact]
    public async Task Metrics_OfTwoServersInOneProcess_AreEachOnesOwn()
    {
        await using var first = await RelayServer.StartAsync();
        await using var second = await RelayServer.StartAsync();
        await using var client = await TestClient.RegisterAsync(first, "AAAAAA");
        await using var a = await TestClient.ConnectAsync(second);
        await using var b = await TestClient.ConnectAsync(second);
        using var http = new HttpClient();
        foreach (var (server, connections) in new[] { (first, 1), (second, 2), (first, 1) })
        {
            var metrics = await http.GetStringAsync(new Uri(server.Http, "/metrics"), Cancel);
            Assert.Contains($"\nrelay_connections{{}} {connections}\n", metrics, StringComparison.Ordinal);
        }
    }

    // The fields of the reference network come first and in its order; ours follow.
    [Fact]
    public async Task Stats_SocketRegisteredBothWays_CountsItOnceAsASocket()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Identity.Region = "eu");
        using var http = new HttpClient { BaseAddress = server.Http };
        await using var both = await TestClient.RegisterAsync(server, "AAAAAA");
        await both.SendAsync("""{"type":"register","peerId":"relay"}""");
        await both.ExpectAsync("registered");
        await using var neither = await TestClient.ConnectAsync(server);

        using var stats = JsonDocument.Parse(await http.GetStringAsync("/stats", Cancel));
        Assert.Equal(
            ["serverId", "nodeId", "endpoint", "region", "uptime", "connections", "relayConnections", "signalingConnections", "activeCodes", "collisionRisk"],
            stats.RootElement.EnumerateObject().Select(field => field.Name).Take(10));
        Assert.Equal(
            (2, 1, 1, 1, "low", "eu"),
            (Number("connections"), Number("relayConnections"), Number("signalingConnections"), Number("activeCodes"), Text("collisionRisk"), Text("region")));

        int Number(string field) => stats.RootElement.GetProperty(field).GetInt32();
        string? Text(string field) => stats.RootElement.GetProperty(field).GetString();
    }

    [Fact]
    public async Task Metrics_FeaturesInUse_ShowThem()
    {
        await using var server = await RelayServer.StartAsync();
        using var http = new HttpClient { BaseAddress = server.Http };
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await AskAsync(client, """{"type":"register","peerId":"relay"}""", "registered");
        await AskAsync(client, """{"type":"register_rendezvous","dailyPoints":["p"],"hourlyTokens":["t","u"],"relayId":""}""", "rendezvous_result");
        await client.OwnAsync("channel");
        await client.StartAsync("channel", 0);
        await client.SubscribeAsync("absent");
        await client.UpstreamAsync("absent", "\"m\"");
        await AskAsync(client, """{"type":"chunk_announce","channelId":"channel","chunks":[{"chunkId":"a"},{"chunkId":"b"}]}""", "chunk_announce_ack");
        await AskAsync(client, """{"type":"chunk_push","chunkId":"a","channelId":"channel","data":"kept"}""", "chunk_push_ack");
        await AskAsync(client, """{"type":"chunk_request","chunkId":"a","channelId":"channel"}""", "chunk_data");

        var metrics = await http.GetStringAsync("/metrics", Cancel);
        Assert.All(
            (string[])[
                "relay_relays{} 1", "relay_relays_offered{} 1",
                "relay_rendezvous_rows{kind=\"daily_point\"} 1", "relay_rendezvous_rows{kind=\"hourly_token\"} 2",
                "relay_channels{} 2", "relay_channels_owned{} 1", "relay_channels_live{} 1", "relay_channels_subscriptions{} 1", "relay_upstream_messages{} 1",
                "relay_chunks{} 2", "relay_chunks_cached{} 1", "relay_chunks_sources{} 2", "relay_chunks_served_total{source=\"cache\"} 1",
                "relay_storage_queue{} 0", "relay_storage_failures_total{} 0", "relay_pairing_registrations_total{} 1",
            ],
            line => Assert.Contains($"\n{line}\n", metrics));
    }

    [Fact]
    public async Task Ready_Draining_Is503()
    {
        await using var server = await RelayServer.StartAsync();
        using var http = new HttpClient { BaseAddress = server.Http };
        Assert.Equal("{\"status\":\"ready\"}", await http.GetStringAsync("/ready", Cancel));
        server.Get<Relay.Admission.RelayState>().TryDrain();
        using var response = await http.GetAsync("/ready", Cancel);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "{\"status\":\"draining\"}"), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancel)));
    }

    [Theory]
    [InlineData("GET", "/health", 200)]
    [InlineData("HEAD", "/health", 200)]
    [InlineData("POST", "/health", 405)]
    [InlineData("DELETE", "/metrics", 405)]
    [InlineData("GET", "/Health", 426)]
    [InlineData("HEAD", "/health/", 426)]
    [InlineData("GET", "/", 426)]
    [InlineData("GET", "/federation", 404)]
    [InlineData("GET", "/admin/ws", 404)]
    [InlineData("PUT", "/nothing", 405)]
    public async Task Request_AnyPath_HasItsStatus(string method, string path, int status)
    {
        await using var server = await RelayServer.StartAsync();
        using var http = new HttpClient { BaseAddress = server.Http };
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await http.SendAsync(request, Cancel);
        Assert.Equal(status, (int)response.StatusCode);
        if (status == 404)
        {
            Assert.Equal("Not Found", await response.Content.ReadAsStringAsync(Cancel));
        }
        else if (status == 426)
        {
            Assert.Equal(["websocket"], response.Headers.Upgrade.Select(protocol => protocol.Name));
            Assert.Equal(["close", "Upgrade"], response.Headers.Connection);
            Assert.True(method == "HEAD" || (await response.Content.ReadAsStringAsync(Cancel)).Contains("a proxy before the relay strips Upgrade", StringComparison.Ordinal));
        }
        else if (status == 405)
        {
            Assert.Equal(["GET", "HEAD"], response.Content.Headers.Allow.Order());
        }
    }

    private static async Task AskAsync(TestClient client, string message, string answer)
    {
        await client.SendAsync(message);
        await client.ExpectAsync(answer);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
