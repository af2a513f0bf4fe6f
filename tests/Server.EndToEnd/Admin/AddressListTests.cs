using Grpc.Core;
using Relay.AdminApi;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.Policy;

namespace Relay.EndToEnd.Admin;

/// <summary>Which addresses and networks are listed, and what is counted of them.</summary>
public sealed class AddressListTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task ListIps_OfNetworks_SumsTheRefusalsWithinAndTellsThoseOfItsOwnLimit()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.PerIp, settings.Admission.Per24) = (1, "2x"));
        await using var a = await TestClient.ConnectAsync(server, from: "127.0.5.1");
        await using var b = await TestClient.ConnectAsync(server, from: "127.0.5.2");
        foreach (var from in new[] { "127.0.5.1", "127.0.5.1", "127.0.5.2", "127.0.5.3" })
        {
            await using var refused = await TestClient.ConnectAsync(server, from: from, greeted: false);
            await refused.ExpectCloseAsync();
        }

        var network = Assert.Single((await server.Admin.ListIpsAsync(new ListIpsRequest { Networks = true }, Call)).Ips);
        Assert.Equal(("127.0.5.0/24", 2L, 2L, 4L, 1L), (network.Key, network.Connections, network.Admitted, network.Refused, network.RefusedByNetwork));
        var addresses = await server.Admin.ListIpsAsync(new ListIpsRequest { Sort = ListIpsRequest.Types.Sort.Refused }, Call);
        Assert.Equal([("127.0.5.1", 2L), ("127.0.5.2", 1L), ("127.0.5.3", 1L)], addresses.Ips.Select(row => (row.Key, row.Refused)));
        Assert.All(addresses.Ips, row => Assert.Equal(0, row.RefusedByNetwork));
    }

    [Theory]
    [InlineData("normal")]
    [InlineData("critical")]
    public async Task ListIps_ProbesAndPortChecksOnly_ListsNobody(string level)
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.OverloadLevel = level);
        using var http = new HttpClient { BaseAddress = server.Http };
        Assert.Contains("ready", await http.GetStringAsync("/ready", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        using (await RawClient.ConnectAsync(server, "127.0.0.9"))
        {
        }

        using var page = await RawClient.ConnectAsync(server, "127.0.0.9");
        await page.SendAsync("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await page.ReadHeadAsync(), StringComparison.Ordinal);

        Assert.Empty((await server.Admin.ListIpsAsync(new ListIpsRequest(), Call)).Ips);
        Assert.Empty((await server.Admin.ListIpsAsync(new ListIpsRequest { Networks = true }, Call)).Ips);
        await using var client = await TestClient.ConnectAsync(server);
        Assert.Equal("127.0.0.1", Assert.Single((await server.Admin.ListIpsAsync(new ListIpsRequest(), Call)).Ips).Key);
    }

    [Fact]
    public async Task DryRun_OfARate_SaysWhomItWouldHaveRefused()
    {
        await using var server = await RelayServer.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            await using var client = await TestClient.ConnectAsync(server, from: i == 4 ? "127.0.0.2" : "127.0.0.1");
        }

        var tried = (await server.Get<LimitPolicyStore>().ChangeAsync(
            new PolicyChange(new Dictionary<string, string?> { ["rate-per-ip"] = "1/m burst 2" }, "test") { DryRun = true })).After;
        var effect = Relay.Admission.PolicyEffect.Of(server.Get<ConnectionLedger>(), tried, TimeProvider.System);
        Assert.Equal((5, 2), (effect.Admitted, effect.Refused));
    }
}
