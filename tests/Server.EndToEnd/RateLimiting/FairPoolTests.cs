using System.Globalization;
using Relay.Channels;
using Relay.EndToEnd.Support;
using Relay.Federation;
using Relay.Protocol;
using Relay.Rendezvous;
using Relay.Signaling;

namespace Relay.EndToEnd.RateLimiting;

/// <summary>One address, or one network, fills what all share; others beside it lose nothing of their part.</summary>
public sealed class FairPoolTests
{
    private const string Attacker = "127.0.0.2";
    private const string Honest = "127.0.0.3";

    [Fact]
    public async Task Upstream_OneAddressFillsTheQueues_OthersMessagesStillArrive()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Channels.UpstreamTotalBytes = 256 * 1024);
        await using var honest = await TestClient.ConnectAsync(server, from: Honest);
        await honest.SubscribeAsync("news");
        await honest.UpstreamAsync("news", "\"before\"");
        for (var socket = 0; socket < 4; socket++)
        {
            await using var attacker = await TestClient.ConnectAsync(server, from: Attacker);
            await attacker.SubscribeAsync($"flood{socket}");
            for (var i = 0; i < 10; i++)
            {
                await attacker.UpstreamAsync($"flood{socket}", $"\"{new string('x', 20_000)}\"");
            }
        }

        await honest.UpstreamAsync("news", "\"after\"");

        Assert.InRange(server.Get<ChannelTable>().Counts().WaitingBytes, 200_000, 256 * 1024);
        await using var owner = await TestClient.ConnectAsync(server);
        await owner.SendAsync("""{"type":"channel-owner-register","channelId":"news"}""");
        await owner.ExpectUpstreamAsync("\"before\"", "\"after\"");
    }

    /// <summary>The same in one channel, whose queue is shared by its subscribers.</summary>
    [Fact]
    public async Task Upstream_OneAddressFillsAChannel_OthersMessagesStillArrive()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Channels.UpstreamPerMinute = 1000);
        await using var honest = await TestClient.ConnectAsync(server, from: Honest);
        await using var attacker = await TestClient.ConnectAsync(server, from: Attacker);
        await honest.SubscribeAsync("news");
        await attacker.SubscribeAsync("news");
        await honest.UpstreamAsync("news", $"\"{new string('b', 20_000)}\"");
        for (var i = 0; i < 90; i++)
        {
            await attacker.UpstreamAsync("news", $"\"flood{i}\"");
        }

        await using var second = await TestClient.ConnectAsync(server, from: Attacker);
        await second.SubscribeAsync("news");
        for (var i = 0; i < 90; i++)
        {
            await second.UpstreamAsync("news", $"\"flood{i}\"");
        }

        await honest.UpstreamAsync("news", "\"after\"");

        await using var owner = await TestClient.ConnectAsync(server);
        await owner.SendAsync("""{"type":"channel-owner-register","channelId":"news"}""");
        var heard = new List<string>();
        for (var i = 0; i < 100; i++)
        {
            heard.Add((await owner.ExpectAsync("upstream-message")).GetProperty("message").GetString()!);
        }

        await owner.ExpectAsync("channel-owner-registered");
        Assert.Equal(20_000, heard[0].Length);
        Assert.Equal("after", heard[^1]);
    }

    [Fact]
    public async Task Rendezvous_OneAddressFillsTheTable_OthersDeadDropsStay()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Rendezvous.MaxRows, settings.Rendezvous.RowsPerIdentity) = (200, 100));
        await using (var honest = await TestClient.RegisterAsync(server, "AAAAAA", Honest))
        {
            await honest.MeetAsync("'dailyPoints':['meeting'],'deadDrops':{'meeting':'letter'}");
        }

        for (var name = 0; name < 8; name++)
        {
            await using var attacker = await TestClient.RegisterAsync(server, $"TTTTT{(char)('2' + name)}", Attacker);
            await attacker.MeetAsync($"'dailyPoints':[{Points(name)}]");
        }

        await using var partner = await TestClient.RegisterAsync(server, "BBBBBB");
        Assert.Equal(["letter"], (await partner.MeetAsync("'dailyPoints':['meeting']")).Drops());
    }

    /// <summary>A point has twenty dead drops; in 0.1.0 an address that knew the point could hide another's under twenty newer ones.</summary>
    [Fact]
    public async Task Rendezvous_OneAddressFillsAPoint_OthersDeadDropIsFound()
    {
        await using var server = await RelayServer.StartAsync();
        await using (var honest = await TestClient.RegisterAsync(server, "AAAAAA", Honest))
        {
            await honest.MeetAsync("'dailyPoints':['meeting'],'deadDrops':{'meeting':'letter'}");
        }

        for (var name = 0; name < 30; name++)
        {
            await using var attacker = await TestClient.RegisterAsync(server, $"TTTT{"ABCDEFGHJK"[name / 10]}{"ABCDEFGHJK"[name % 10]}", Attacker);
            await attacker.MeetAsync("'dailyPoints':['meeting'],'deadDrops':{'meeting':'noise'}");
        }

        await using var partner = await TestClient.RegisterAsync(server, "BBBBBB");
        var drops = (await partner.MeetAsync("'dailyPoints':['meeting']")).Drops().ToList();
        Assert.Equal(20, drops.Count);
        Assert.Contains("letter", drops);
    }

    /// <summary>4,096 units that are three bytes each count as three rows.</summary>
    [Fact]
    public async Task Rendezvous_LargeDeadDrops_CountByTheirBytes()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Rendezvous.MaxRows, settings.Rendezvous.RowsPerIdentity) = (100, 100));
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        for (var i = 0; i < 40; i++)
        {
            await client.MeetAsync($"'dailyPoints':['p{i}'],'deadDrops':{{'p{i}':'{new string('€', 4096)}'}}");
        }

        Assert.Equal(33, server.Get<RendezvousStore>().Counts().DailyPoints);

        // Smaller ones in their place make room again.
        await client.MeetAsync("'dailyPoints':['p39','p38'],'deadDrops':{'p39':'small','p38':'small'}");
        await client.MeetAsync("'dailyPoints':['q1','q2','q3','q4','q5']");
        Assert.Equal(38, server.Get<RendezvousStore>().Counts().DailyPoints);
    }

    [Fact]
    public async Task PairRequests_OneNetworkTakesAllPlacesOfATarget_AnotherStillGetsThrough()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.TrustedProxies = ["127.0.0.0/8"]);
        await using var target = await TestClient.RegisterBehindProxyAsync(server, "PPPPPP", "192.0.2.1");
        var strangers = new List<TestClient>();
        for (var i = 0; i < 10; i++)
        {
            var stranger = await TestClient.RegisterBehindProxyAsync(server, $"TTTTT{"ABCDEFGHJK"[i]}", string.Create(CultureInfo.InvariantCulture, $"2001:db8:1:{i:x}::1"));
            strangers.Add(stranger);
            await stranger.SendAsync("""{"type":"pair_request","targetCode":"PPPPPP"}""");
            await target.ExpectAsync("pair_incoming");
        }

        await using var honest = await TestClient.RegisterBehindProxyAsync(server, "AAAAAA", "198.51.100.1");
        await honest.SendAsync("""{"type":"pair_request","targetCode":"PPPPPP"}""");

        Assert.Equal("AAAAAA", (await target.ExpectAsync("pair_incoming")).GetProperty("fromCode").GetString());
        Assert.Equal(10, server.Get<PendingRequests>().Count(RequestKind.Pair));
        foreach (var stranger in strangers)
        {
            await stranger.DisposeAsync();
        }
    }

    [Fact]
    public async Task Federation_OneNetworkTakesAllPendingPlaces_AnotherServerStillEnters()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Federation.Admit = FederationAdmit.Any;
            settings.Admission.TrustedProxies = ["127.0.0.0/8"];
        });
        var strangers = new List<TestClient>();
        for (var i = 0; i < 32; i++)
        {
            strangers.Add(await DialAsync(server, string.Create(CultureInfo.InvariantCulture, $"2001:db8:1:{i:x}::1")));
        }

        await Eventually.TrueAsync(() => server.Get<PeerTable>().Pending().All(link => link.Session is not null), "all are open");
        await using var honest = await DialAsync(server, "198.51.100.1");

        Assert.Equal(32, server.Get<PeerTable>().PendingCount);
        var closed = await Task.WhenAny(strangers.Select(stranger => stranger.ExpectCloseAsync())).WaitAsync(TestClient.Timeout, TestContext.Current.CancellationToken);
        Assert.Equal((1013, "Server at capacity"), await closed);
        Assert.Equal(1, server.Get<PeerCounts>().RefusedByReason().Single(row => row.Key == CloseReasons.Label(CloseReason.PeerLimit)).Value);
        foreach (var stranger in strangers)
        {
            await stranger.DisposeAsync();
        }
    }

    private static Task<TestClient> DialAsync(RelayServer server, string address) => TestClient.ConnectAsync(
        server, "/federation", greeted: false, headers: new Dictionary<string, string> { ["X-Forwarded-For"] = address });

    private static string Points(int name) => string.Join(',', Enumerable.Range(0, 50).Select(i => $"'{name}-{i}'"));
}
