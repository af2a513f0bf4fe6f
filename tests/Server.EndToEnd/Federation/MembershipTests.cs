using System.Text.Json;
using Relay.EndToEnd.Support;
using Relay.Federation;
using Relay.Federation.Gossip;

namespace Relay.EndToEnd.Federation;

/// <summary>Servers of a federation in this process find each other, and clients are sent to the one that owns their code.</summary>
public sealed class MembershipTests
{
    [Fact]
    public async Task Newcomer_ThatKnowsOne_IsAliveEverywhere()
    {
        await using var all = await FederationOfServers.StartAsync(4);

        await all.LinkedAsync();

        await all.AgreeAsync();
        var shares = 0.0;
        using var http = new HttpClient();
        foreach (var server in all.Servers)
        {
            using var stats = JsonDocument.Parse(await http.GetStringAsync(new Uri(server.Http, "/stats"), TestContext.Current.CancellationToken));
            var federation = stats.RootElement.GetProperty("federation");
            Assert.Equal((3, 0), (federation.GetProperty("members").GetProperty("alive").GetInt32(), federation.GetProperty("unlinked").GetInt32()));
            shares += federation.GetProperty("ringShare").GetDouble();
        }

        Assert.Equal(1, shares, 0.001);
    }

    [Fact]
    public async Task Server_Stopped_HasLeftEverywhereAtOnce()
    {
        await using var all = await FederationOfServers.StartAsync(3);
        await all.LinkedAsync();
        await all.AgreeAsync();
        var gone = all.Servers[2];
        var id = FederationOfServers.IdOf(gone);

        await all.StopAsync(gone);

        await Eventually.TrueAsync(
            () => all.Servers.All(server => server.Get<PeerGossip>().Members().Single(member => member.ServerId == id).State == MemberState.Left),
            "it has left",
            TimeSpan.FromSeconds(20));
        await all.AgreeAsync();
    }

    [Fact]
    public async Task Clients_OfAnyServer_AreSentToTheOwner()
    {
        await using var all = await FederationOfServers.StartAsync(3, settings => settings.Federation.ReplicationFactor = 1);
        await all.LinkedAsync();
        await all.AgreeAsync();
        foreach (var server in all.Servers)
        {
            var ring = server.Get<FederationRing>();
            var (own, other) = (CodeOf(ring, FederationOfServers.IdOf(server), isOwn: true), CodeOf(ring, FederationOfServers.IdOf(server), isOwn: false));
            Assert.All(all.Servers, judge => Assert.Equal(ring.OwnersOf(other)[0].ServerId, judge.Get<FederationRing>().OwnersOf(other)[0].ServerId));

            await using var stays = await TestClient.ConnectAsync(server);
            await stays.SendAsync($$"""{"type":"register","pairingCode":"{{own}}","publicKey":"{{Key}}"}""");
            Assert.False((await stays.ExpectAsync("registered")).TryGetProperty("redirects", out _));

            await using var goes = await TestClient.ConnectAsync(server);
            await goes.SendAsync($$"""{"type":"register","pairingCode":"{{other}}","publicKey":"{{Key}}"}""");
            var redirect = Assert.Single((await goes.ExpectAsync("registered")).GetProperty("redirects").EnumerateArray());
            var owner = ring.OwnersOf(other)[0];
            Assert.Equal((owner.ServerId, owner.Endpoint), (redirect.GetProperty("serverId").GetString(), redirect.GetProperty("endpoint").GetString()));
        }
    }

    [Fact]
    public async Task Rendezvous_PointsOfOthers_AreRedirectedAndWhatLiesHereIsFound()
    {
        await using var all = await FederationOfServers.StartAsync(1, settings => settings.Federation.ReplicationFactor = 1);
        var server = all.Servers[0];
        string[] points = [.. Enumerable.Range(0, 20).Select(i => $"day_{i}")];
        await using var early = await TestClient.ConnectAsync(server);
        await RegisterAsync(early, "ABCDEF");
        await early.SendAsync(Rendezvous("ABCDEF", points, "early"));
        await early.ExpectAsync("rendezvous_result");

        await all.AddAsync(settings => settings.Federation.ReplicationFactor = 1);
        await all.LinkedAsync();
        await all.AgreeAsync();
        await using var late = await TestClient.ConnectAsync(server);
        await RegisterAsync(late, "QRSTUV");
        await late.SendAsync(Rendezvous("QRSTUV", points, "late"));
        var partial = await late.ExpectAsync("rendezvous_partial");

        var redirect = Assert.Single(partial.GetProperty("redirects").EnumerateArray());
        var away = redirect.GetProperty("dailyPoints").EnumerateArray().Select(point => point.GetString()!).ToList();
        var other = FederationOfServers.IdOf(all.Servers[1]);
        Assert.Equal(other, redirect.GetProperty("serverId").GetString());
        Assert.Equal(points.Where(point => server.Get<FederationRing>().OwnersOf(point)[0].ServerId == other), away);
        Assert.InRange(away.Count, 1, points.Length - 1);
        Assert.Equal(points.Length, partial.GetProperty("local").GetProperty("deadDrops").GetArrayLength());

        // And the owner takes them.
        await using var there = await TestClient.ConnectAsync(all.Servers[1]);
        await RegisterAsync(there, "QRSTUV");
        await there.SendAsync(Rendezvous("QRSTUV", [.. away], "late"));
        await there.ExpectAsync("rendezvous_result");
    }

    private const string Key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    private static string CodeOf(FederationRing ring, string serverId, bool isOwn) =>
        Enumerable.Range(0, 10_000)
            .Select(i => $"ABC{(char)('A' + (i % 8))}{(char)('A' + (i / 8 % 8))}{(char)('A' + (i / 64 % 8))}")
            .First(code => (ring.OwnersOf(code)[0].ServerId == serverId) == isOwn);

    private static async Task RegisterAsync(TestClient client, string code)
    {
        await client.SendAsync($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{Key}}"}""");
        await client.ExpectAsync("registered");
    }

    private static string Rendezvous(string name, string[] points, string drop) =>
        $$"""{"type":"register_rendezvous","peerId":"{{name}}","relayId":"","dailyPoints":[{{string.Join(',', points.Select(point => $"\"{point}\""))}}],"deadDrop":"{{drop}}"}""";
}
