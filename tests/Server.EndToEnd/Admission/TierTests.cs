using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admission;

/// <summary>Networks that many addresses share, overrides and rates: who is refused, and what it is told.</summary>
public sealed class TierTests
{
    [Fact]
    public async Task Connect_EachTier_IsNamedInTheRefusal()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            Guests.Trust(settings);
            (settings.Admission.PerIp, settings.Admission.Per56, settings.Admission.Per48, settings.Admission.Per24) = (1, "2x", "3x", "2x");
        });
        using var guests = new Guests(server);
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("2001:db8:0:1::1"));
        Assert.Equal((1013, "Too many connections from this IP"), await guests.ComeAsync("2001:db8:0:1:ffff::2"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("2001:db8:0:2::1"));
        Assert.Equal((1013, "Too many connections from this network (/56)"), await guests.ComeAsync("2001:db8:0:3::1"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("2001:db8:0:100::1"));
        Assert.Equal((1013, "Too many connections from this network (/48)"), await guests.ComeAsync("2001:db8:0:200::1"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("2001:db8:1:1::1"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.2"));
        Assert.Equal((1013, "Too many connections from this network (/24)"), await guests.ComeAsync("203.0.113.3"));
        Assert.Empty(server.Get<Relay.Admission.ConnectionLedger>().Snapshot().Recount());
    }

    [Fact]
    public async Task Connect_Overrides_LongestWinsUnlimitedCountsNowhereDenyRefuses()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            Guests.Trust(settings);
            (settings.Admission.PerIp, settings.Admission.Total) = (1, 3);
        });
        using var guests = new Guests(server);
        var admin = new PolicyAdmin(server.Channel);
        await admin.OverrideAsync(new Override { Network = "203.0.113.0/24", Deny = true });
        await admin.OverrideAsync(new Override { Network = "203.0.113.7", PerIp = 2 });
        await admin.OverrideAsync(new Override { Network = "198.51.100.0/24", Unlimited = true });

        Assert.Equal((1008, "Not allowed from this address"), await guests.ComeAsync("203.0.113.8"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.7"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.7"));
        Assert.Equal((1013, "Too many connections from this IP"), await guests.ComeAsync("203.0.113.7"));
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(Guests.Admitted, await guests.ComeAsync("198.51.100.1"));
        }

        Assert.Equal((2, 4), (server.Totals().Live, server.Totals().Uncounted));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("192.0.2.1"));
        Assert.Equal((1013, "Server at capacity"), await guests.ComeAsync("192.0.2.2"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("198.51.100.1"));
    }

    [Fact]
    public async Task Connect_Rates_RefuseUntilTheTimeHasPassed()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(
            settings =>
            {
                Guests.Trust(settings);
                (settings.Admission.ConnectRatePerIp, settings.Admission.ConnectRateTotal) = ("1/s burst 2", "30/m burst 4");
            },
            time);
        using var guests = new Guests(server);
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
        Assert.Equal((1013, "Too many new connections from this IP"), await guests.ComeAsync("203.0.113.1"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.2"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.2"));
        Assert.Equal((1013, "Server busy"), await guests.ComeAsync("203.0.113.3"));
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
        Assert.Equal((1013, "Server busy"), await guests.ComeAsync("203.0.113.1"));
    }
}
