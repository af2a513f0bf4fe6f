using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Addresses;

/// <summary>A relay behind an unlisted proxy says so on every view, and stops saying so.</summary>
public sealed class ProxyMisconfigurationTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task Upgrades_FromAnUnlistedProxy_AreSaidOnStatsMetricsLogAndAdmin()
    {
        await using var server = await RelayServer.StartAsync(time: _time);
        var log = LogCollector.Attach(server);
        using var http = new HttpClient { BaseAddress = server.Http };
        Assert.Contains("\"suspectedProxy\":false", await http.GetStringAsync("/stats", Cancel), StringComparison.Ordinal);
        for (var i = 0; i < 20; i++)
        {
            using var client = await RawClient.UpgradeAsync(server, "127.0.0.2", $"X-Forwarded-For: 203.0.113.{i}");
        }

        _time.Advance(ProxyMisconfiguration.Interval);

        Assert.Contains("\"suspectedProxy\":true", await http.GetStringAsync("/stats", Cancel), StringComparison.Ordinal);
        var metrics = await http.GetStringAsync("/metrics", Cancel);
        Assert.Contains("relay_client_address_warning{kind=\"unlisted_proxy\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("relay_client_address_warning{kind=\"one_address\"} 0", metrics, StringComparison.Ordinal);
        Assert.Contains("relay_upgrades_total{source=\"unlisted_proxy\"} 20", metrics, StringComparison.Ordinal);
        await log.ContainsAsync("100 % of new connections bring a proxy's headers");
        Assert.Single(log.Lines, line => line.StartsWith("100 % of new connections bring a proxy's headers", StringComparison.Ordinal));
        var clientAddress = (await server.Admin.GetStatsAsync(new GetStatsRequest(), cancellationToken: Cancel)).ClientAddress;
        Assert.Equal(["unlisted_proxy"], clientAddress.Warnings);
        Assert.Equal(20, clientAddress.UpgradesTotal["unlisted_proxy"]);
    }

    [Fact]
    public async Task Upgrades_AllFromOneAddressAtItsLimit_AreSuspected()
    {
        await using var server = await RelayServer.StartAsync(time: _time);
        var clients = new List<RawClient>();
        for (var i = 0; i < 51; i++)
        {
            clients.Add(await RawClient.UpgradeAsync(server));
        }

        _time.Advance(ProxyMisconfiguration.Interval);

        Assert.Equal(ProxyWarnings.OneAddress, server.Get<ProxyMisconfiguration>().Current);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Connections_WithoutTheHeaderThatIsDue_AreSuspectedAndCounted()
    {
        await using var server = await RelayServer.StartAsync(
            settings => (settings.Admission.TrustedProxies, settings.Listen.ClientAddress) = (["127.0.0.1"], "ProxyProtocol"), _time);
        for (var i = 0; i < 20; i++)
        {
            using var client = await RawClient.ConnectAsync(server);
            await client.SendAsync(RawClient.Request());
            Assert.Equal("", await client.ReadToEndAsync());
        }

        _time.Advance(ProxyMisconfiguration.Interval);

        var clientAddress = (await server.Admin.GetStatsAsync(new GetStatsRequest(), cancellationToken: Cancel)).ClientAddress;
        Assert.Equal(["silent_proxy"], clientAddress.Warnings);
        Assert.Equal(20, clientAddress.ProxyHeadersTotal["missing"]);
    }

    [Theory]
    [InlineData("127.0.0.1", "silent_proxy")]
    [InlineData("127.0.0.2", "unlisted_proxy")]
    public async Task ProxyHeaders_OnAListenerThatExpectsNone_AreSuspectedAndCounted(string from, string warning)
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.TrustedProxies = ["127.0.0.1"], _time);
        for (var i = 0; i < 20; i++)
        {
            using var client = await RawClient.ConnectAsync(server, from);
            await client.SendAsync("PROXY TCP4 203.0.113.9 192.0.2.1 4242 443\r\n" + RawClient.Request());
            Assert.Equal("", await client.ReadToEndAsync());
        }

        _time.Advance(ProxyMisconfiguration.Interval);

        var clientAddress = (await server.Admin.GetStatsAsync(new GetStatsRequest(), cancellationToken: Cancel)).ClientAddress;
        Assert.Equal([warning], clientAddress.Warnings);
        Assert.Equal(20, clientAddress.ProxyHeadersTotal["unexpected"]);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
