using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.Admission;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admission;

public sealed class BanTests
{
    private static readonly (int, string) Banned = (1008, "Banned");

    [Fact]
    public async Task Ban_ForATime_RefusesItsNetworkAndEnds()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(Guests.Trust, time);
        using var guests = new Guests(server);
        var admin = new PolicyAdmin(server.Channel);
        await admin.BanAsync("203.0.113.0/24", TimeSpan.FromHours(1));
        await admin.BanAsync("2001:db8::1");
        await admin.BanAsync("2001:db8:1::/48", TimeSpan.FromHours(2));

        Assert.Equal(Banned, await guests.ComeAsync("203.0.113.9"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.114.9"));
        Assert.Equal(Banned, await guests.ComeAsync("2001:db8::1"));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("2001:db8::2"));
        Assert.Equal(Banned, await guests.ComeAsync("2001:db8:1:2::3"));
        time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(1));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.9"));
        Assert.Equal(Banned, await guests.ComeAsync("2001:db8:1:2::3"));
        Assert.Equal(2, (await admin.Client.ListBansAsync(new ListBansRequest(), PolicyAdmin.Call)).TotalSize);

        Assert.Single((await admin.Client.UnbanAsync(new UnbanRequest { Network = "2001:db8:1::/48" }, PolicyAdmin.Call)).Bans);
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("2001:db8:1:2::3"));
    }

    [Fact]
    public async Task Ban_ThatExpires_IsRemovedByTheRelayInItsOwnName()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(Guests.Trust, time);
        var log = LogCollector.Attach(server);
        var admin = new PolicyAdmin(server.Channel);
        await admin.BanAsync("203.0.113.0/24", TimeSpan.FromHours(1));
        time.Advance(TimeSpan.FromHours(1));

        var answer = await admin.SetAsync(new LimitSettings { Total = 99 });
        Assert.Equal("total", Assert.Single(answer.Changes).Path);
        IReadOnlyList<AuditRecord> entries = [];
        await Eventually.TrueAsync(
            () => (entries = [.. server.Admin.ListAudit(new ListAuditRequest(), PolicyAdmin.Call).Entries]).Count == 3, "an entry of each change");
        Assert.Equal(["Ban", "ChangePolicy", "Revert"], entries.Select(entry => entry.Method).Order());
        var revert = entries.Single(entry => entry.Method == "Revert");
        Assert.Equal(("relayd", "the ban of revision 2 expired", "ban/203.0.113.0/24=-"), (revert.Who, revert.Why, revert.After));
        await log.ContainsAsync("Limits changed: ban/203.0.113.0/24 2000-01-01T01:00:00Z a test -> (none), revision 3, by relayd (the ban of revision 2 expired) [ban_expired]");
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("0.0.0.0/0")]
    [InlineData("10.1.0.0/16")]
    [InlineData("198.51.100.0/24")]
    [InlineData("198.51.100.9")]
    [InlineData("fd00::/8")]
    public async Task Ban_OfWhatIsProtected_NeedsForce(string network)
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.TrustedProxies = ["198.51.100.9"]);
        var admin = new PolicyAdmin(server.Channel);
        Assert.Equal(StatusCode.FailedPrecondition, await PolicyAdmin.CodeAsync(() => admin.BanAsync(network)));
        Assert.Equal(0, (await admin.GetAsync()).Bans);
        Assert.Equal(2, (await admin.BanAsync(network, force: true)).Revision);
    }

    [Fact]
    public async Task Ban_LiveSockets_StayUnlessTheyAreDisconnected()
    {
        await using var server = await RelayServer.StartAsync();
        await using var there = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await using var other = await TestClient.ConnectAsync(server, from: "127.0.0.3");
        var admin = new PolicyAdmin(server.Channel);
        Assert.Equal((1, 1), await CountsAsync(admin.BanAsync("127.0.0.2", disconnect: true, force: true, dryRun: true)));
        Assert.Equal(0, (await admin.GetAsync()).Bans);
        Assert.Equal((1, 0), await CountsAsync(admin.BanAsync("127.0.0.2", force: true)));
        await there.SendAsync("""{"type":"ping"}""");
        await there.ExpectAsync("pong");

        Assert.Equal((1, 1), await CountsAsync(admin.BanAsync("127.0.0.2", disconnect: true, force: true)));
        Assert.Equal(Banned, await there.ExpectCloseAsync());
        await other.SendAsync("""{"type":"ping"}""");
        await other.ExpectAsync("pong");
    }

    [Fact]
    public async Task AutoBan_WhoIsRefusedTooOften_IsBannedForLongerEachTime()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(
            settings =>
            {
                Guests.Trust(settings);
                (settings.Admission.PerIp, settings.AutoBan.Threshold, settings.AutoBan.Duration) = (1, 2, TimeSpan.FromMinutes(10));
            },
            time);
        using var guests = new Guests(server);
        var bans = server.Get<AutoBans>();
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
        foreach (var minutes in new[] { 10, 20, 40 })
        {
            await guests.ComeAsync("203.0.113.1");
            await guests.ComeAsync("203.0.113.1");
            Assert.Equal(Banned, await guests.ComeAsync("203.0.113.1"));
            Assert.Equal(time.GetUtcNow().AddMinutes(minutes), Assert.Single(bans.All()).Until);
            Assert.Equal(Guests.Admitted, await guests.ComeAsync($"203.0.113.{minutes}"));
            time.Advance(TimeSpan.FromMinutes(minutes));
        }

        Assert.Equal((1013, "Too many connections from this IP"), await guests.ComeAsync("203.0.113.1"));
    }

    [Fact]
    public async Task AutoBan_WhoKnocksWhileAnOperatorsBanHolds_IsInAgainWhenItEnds()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(
            settings =>
            {
                Guests.Trust(settings);
                settings.AutoBan.Threshold = 2;
            },
            time);
        using var guests = new Guests(server);
        await new PolicyAdmin(server.Channel).BanAsync("203.0.113.1", TimeSpan.FromSeconds(30));
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(Banned, await guests.ComeAsync("203.0.113.1"));
        }

        time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
    }

    private static async Task<(long, long)> CountsAsync(Task<BanResponse> answer)
    {
        var response = await answer;
        return (response.Connections, response.Disconnected);
    }
}
