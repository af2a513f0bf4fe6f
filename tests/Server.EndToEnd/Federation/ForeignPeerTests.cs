using System.Text.Json.Nodes;
using Relay.EndToEnd.Support;
using Relay.Federation;
using Relay.Federation.Gossip;

namespace Relay.EndToEnd.Federation;

/// <summary>
/// With servers of another make, which were written from the protocol alone and believe what others say: all link, agree on members and
/// ring, and what a hostile one says of others changes nothing.
/// </summary>
[Trait("Programs", "Started")]
public sealed class ForeignPeerTests
{
    [Fact]
    public async Task TwoOfTheirsAndTwoOfOurs_AreOneFederation()
    {
        await using var all = await FederationOfServers.StartAsync(2);
        await using var first = await ForeignPeer.StartAsync(0, Url(all.Servers[0].Port));
        await using var second = await ForeignPeer.StartAsync(100, Url(all.Servers[1].Port), Url(first.Port));
        string[] ids = [.. all.Servers.Select(FederationOfServers.IdOf).Append(first.ServerId).Append(second.ServerId).Order(StringComparer.Ordinal)];

        await Eventually.TrueAsync(
            () => all.Servers.All(server => server.Get<FederationRing>().Shares().Select(share => share.Owner.ServerId).SequenceEqual(ids)),
            "ours have all on the ring",
            TimeSpan.FromSeconds(60));
        foreach (var peer in new[] { first, second })
        {
            await UntilAsync(async () => (await peer.MembersAsync()) is var members && members.Count == ids.Length && members.Values.All(status => status == "alive"), "theirs have all alive");
            foreach (var code in new[] { "ABCDEF", "XYZ234", "day_2026-01-01", "hr_0001", "Q7K9M2" })
            {
                var expected = await peer.OwnersOfAsync(code);
                Assert.All(all.Servers, server => Assert.Equal(expected, server.Get<FederationRing>().OwnersOf(code).Select(owner => owner.ServerId)));
            }

            Assert.Equal(0, (int)(await peer.GetAsync("counts"))["badSignatures"]!);
        }
    }

    [Fact]
    public async Task Theirs_Leaves_IsOffTheRing()
    {
        await using var all = await FederationOfServers.StartAsync(1);
        await using var peer = await ForeignPeer.StartAsync(0, Url(all.Servers[0].Port));
        await Eventually.TrueAsync(() => StateOf(all.Servers[0], peer.ServerId) == MemberState.Alive, "alive", TimeSpan.FromSeconds(30));

        await peer.LeaveAsync();

        await Eventually.TrueAsync(() => all.Servers[0].Get<FederationRing>().IsAlone, "off the ring");
    }

    [Fact]
    public async Task Theirs_SpeaksForOthers_ChangesNothing()
    {
        await using var all = await FederationOfServers.StartAsync(2);
        await all.LinkedAsync();
        await using var rogue = await ForeignPeer.StartAsync(0, Url(all.Servers[0].Port));
        var (judge, victim) = (all.Servers[0], FederationOfServers.IdOf(all.Servers[1]));
        await Eventually.TrueAsync(() => StateOf(judge, rogue.ServerId) == MemberState.Alive, "alive", TimeSpan.FromSeconds(30));
        var invented = "ed25519:" + new string('A', 43);
        var received = judge.Get<PeerCounts>().Received.Messages + judge.Get<PeerCounts>().GossipIgnored;

        await rogue.GossipAsync("leave", new JsonObject { ["serverId"] = victim });
        await rogue.GossipAsync("confirm", new JsonObject { ["serverId"] = victim });
        await rogue.GossipAsync("suspect", new JsonObject { ["serverId"] = victim, ["incarnation"] = 1_000_000 });
        await rogue.GossipAsync("join", new JsonObject { ["serverId"] = invented, ["nodeId"] = "0", ["endpoint"] = "ws://169.254.169.254", ["publicKey"] = "", ["metadata"] = new JsonObject() });
        await rogue.GossipAsync("state_sync", new JsonObject
        {
            ["members"] = new JsonArray(new JsonObject
            {
                ["serverId"] = victim,
                ["nodeId"] = "0",
                ["endpoint"] = "ws://evil.example",
                ["publicKey"] = "",
                ["status"] = "failed",
                ["incarnation"] = 99,
                ["lastSeen"] = 0,
            }),
        });
        await Eventually.TrueAsync(
            () => judge.Get<PeerCounts>().Received.Messages + judge.Get<PeerCounts>().GossipIgnored >= received + 5, "all came", TimeSpan.FromSeconds(20));

        Assert.Equal(MemberState.Alive, StateOf(judge, victim));
        Assert.DoesNotContain(judge.Get<PeerGossip>().Members(), member => member.ServerId == invented);
        Assert.Contains(judge.Get<FederationRing>().Shares(), share => share.Owner.ServerId == victim && share.Owner.Endpoint == all.Servers[1].Settings.Identity.PublicEndpoint);
        Assert.DoesNotContain(judge.Get<FederationRing>().Shares(), share => share.Owner.ServerId == invented);
    }

    [Fact]
    public async Task StateSync_OfOneThatAlwaysAnswers_IsAnsweredOnce()
    {
        await using var all = await FederationOfServers.StartAsync(1);
        await using var peer = await ForeignPeer.StartAsync(0, Url(all.Servers[0].Port));
        await Eventually.TrueAsync(() => StateOf(all.Servers[0], peer.ServerId) == MemberState.Alive, "alive", TimeSpan.FromSeconds(30));
        for (var i = 0; i < 20; i++)
        {
            await peer.GossipAsync("state_sync", new JsonObject { ["members"] = new JsonArray() });
        }

        var pings = (int?)(await peer.GetAsync("counts"))["received"]!["ping"] ?? 0;
        await UntilAsync(async () => ((int?)(await peer.GetAsync("counts"))["received"]!["ping"] ?? 0) >= pings + 3, "some seconds have passed");

        // One as the answer to its join, and one or two of ours since.
        Assert.InRange((int?)(await peer.GetAsync("counts"))["received"]!["state_sync"] ?? 0, 1, 3);
    }

    private static string Url(int port) => $"ws://127.0.0.1:{port}";

    private static MemberState? StateOf(RelayServer server, string id) =>
        server.Get<PeerGossip>().Members().FirstOrDefault(member => member.ServerId == id)?.State;

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            Assert.False(patience.IsCancellationRequested, $"did not happen in time: {what}");
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }
}
