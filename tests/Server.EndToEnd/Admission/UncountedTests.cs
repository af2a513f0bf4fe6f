using System.Text.Json;
using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admission;

/// <summary>Connections of unlimited networks are shown wherever connections are, and count against nothing.</summary>
public sealed class UncountedTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Unlimited_TwoSocketsBesideOneThatCounts_AreShownEverywhere()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.Overrides = ["127.0.7.0/24=unlimited"]);
        await using var a = await TestClient.ConnectAsync(server, from: "127.0.7.1");
        await using var b = await TestClient.ConnectAsync(server, from: "127.0.7.1");
        await using var counted = await TestClient.ConnectAsync(server, from: "127.0.8.1");

        using var http = new HttpClient { BaseAddress = server.Http };
        using var page = JsonDocument.Parse(await http.GetStringAsync("/stats", TestContext.Current.CancellationToken));
        Assert.Equal((3, 2), (page.RootElement.GetProperty("connections").GetInt32(), page.RootElement.GetProperty("uncounted").GetInt32()));
        var stats = await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        Assert.Equal((1L, 2L), (stats.Connections.Current, stats.Connections.Uncounted));
        var ips = await server.Admin.ListIpsAsync(new ListIpsRequest(), Call);
        Assert.Equal([("127.0.7.1", 0L, 2L), ("127.0.8.1", 1L, 0L)], ips.Ips.Select(row => (row.Key, row.Connections, row.Uncounted)));
        var networks = await server.Admin.ListIpsAsync(new ListIpsRequest { Networks = true }, Call);
        Assert.Equal([("127.0.7.0/24", 0L, 2L), ("127.0.8.0/24", 1L, 0L)], networks.Ips.Select(row => (row.Key, row.Connections, row.Uncounted)));
        var verified = await server.Admin.VerifyAsync(new VerifyRequest(), Call);
        Assert.Equal((true, 3L, 3L, 2L), (verified.Ok, verified.LedgerConnections, verified.LiveConnections, verified.Uncounted));
    }

    // A record that holds nothing that counts may be forgotten; its connections are still there.
    [Fact]
    public async Task Unlimited_ItsRecordIsForgotten_IsStillListed()
    {
        await using var server = await RelayServer.StartAsync(
            settings => settings.Admission.Overrides = ["127.0.7.0/24=unlimited"], configureServices: Ledgers.Remembering(2));
        await using var free = await TestClient.ConnectAsync(server, from: "127.0.7.1");
        foreach (var from in new[] { "127.0.8.1", "127.0.8.2", "127.0.8.3" })
        {
            await using var passing = await TestClient.ConnectAsync(server, from: from);
        }

        var ips = await server.Admin.ListIpsAsync(new ListIpsRequest { Cidr = "127.0.7.0/24" }, Call);
        var row = Assert.Single(ips.Ips);
        Assert.Equal(("127.0.7.1", 1L, null), (row.Key, row.Uncounted, row.FirstSeen));
    }
}
