using System.Globalization;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.EndToEnd.Support;
using Relay.Storage;

namespace Relay.EndToEnd.Cluster;

/// <summary>Peers that find each other by a token while they are connected to different relays.</summary>
public sealed class RendezvousAcrossRelaysTests
{
    [Fact]
    public async Task Token_OfTwoAtTwoRelays_MatchesBoth()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await a.MeetAsync("'relayId':'r1','hourlyTokens':['t','u','v']");

        // Two tokens in common are one match.
        await b.PutAsync("'relayId':'r2','hourlyTokens':['u','t','w']");
        Assert.Equal("""{"type":"rendezvous_result","liveMatches":[{"peerId":"AAAAAA","relayId":"r1"}],"deadDrops":[]}""", await b.ReceiveTextAsync());
        Assert.Equal("""{"type":"rendezvous_match","match":{"peerId":"BBBBBB","relayId":"r2"}}""", await a.ReceiveTextAsync());

        Assert.Equal(["BBBBBB"], (await a.MeetAsync("'hourlyTokens':['t']")).Matches());
        Assert.Equal("AAAAAA", (await b.ExpectAsync("rendezvous_match")).GetProperty("match").GetProperty("peerId").GetString());
        await a.ExpectNothingAsync();
        await b.ExpectNothingAsync();
        Assert.Equal((1L, 1L), (cluster[0].Get<Relay.Rendezvous.RendezvousStore>().Counts().MatchesFound, cluster[1].Get<Relay.Rendezvous.RendezvousStore>().Counts().MatchesFound));
    }

    [Fact]
    public async Task Token_OfManyAtThreeRelays_GivesTheNewestFirstAndEachHearsOnce()
    {
        await using var cluster = await RelayCluster.StartAsync(3);
        var clients = new List<TestClient>();
        foreach (var (name, relay) in new[] { ("AAAAAA", 1), ("BBBBBB", 0), ("CCCCCC", 2), ("DDDDDD", 1) })
        {
            clients.Add(await TestClient.RegisterAsync(cluster[relay], name));
            await clients[^1].MeetAsync($"'relayId':'{relay}','hourlyTokens':['t']");
            foreach (var earlier in clients[..^1])
            {
                await earlier.ExpectAsync("rendezvous_match");
            }
        }

        // One that has left at another relay is nobody's match, and neither is one without a token.
        await clients[2].CloseAsync();
        await using var idle = await TestClient.RegisterAsync(cluster[1], "EEEEEE");
        await Eventually.TrueAsync(() => cluster[2].Get<Clients.ClientDirectory>().Counts().Codes == 0, "it has left");
        await using var last = await TestClient.RegisterAsync(cluster[0], "FFFFFF");
        Assert.Equal(["DDDDDD", "BBBBBB", "AAAAAA"], (await last.MeetAsync("'hourlyTokens':['t']")).Matches());
        foreach (var client in clients.Except([clients[2]]))
        {
            Assert.Equal("FFFFFF", (await client.ExpectAsync("rendezvous_match")).GetProperty("match").GetProperty("peerId").GetString());
            await client.ExpectNothingAsync();
        }

        await idle.ExpectNothingAsync();
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    /// <summary>Its rows are in the database still.</summary>
    [Theory]
    [InlineData("KILL")]
    [InlineData("STOP")]
    public async Task Relay_OfAHolderDoesNotAnswer_HolderIsNoMatch(string signal)
    {
        await using var cluster = await RelayCluster.StartAsync(1);
        await using var lost = await RelayProcess.StartAsync(cluster.Arguments("lost"));
        await using var a = await TestClient.RegisterAsync(lost.Port, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[0], "BBBBBB");
        await a.MeetAsync("'hourlyTokens':['t']");
        Assert.Equal(["AAAAAA"], (await b.MeetAsync("'hourlyTokens':['t']")).Matches());

        await (signal == "KILL" ? lost.KillAsync() : lost.SignalAsync(signal));
        Assert.Empty((await b.MeetAsync("'hourlyTokens':['t']")).Matches());
        if (signal == "STOP")
        {
            // Whoever is known to be silent is not waited for.
            await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Count == 0, "it is silent");
            var asked = cluster[0].Get<Questions>().Silent;
            Assert.Empty((await b.MeetAsync("'hourlyTokens':['t']")).Matches());
            Assert.Equal((asked, 0), (cluster[0].Get<Questions>().Silent, cluster[0].Get<Questions>().Count));

            await lost.SignalAsync("CONT");
            await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Count == 1, "it is back");
            Assert.Equal(["AAAAAA"], (await b.MeetAsync("'hourlyTokens':['t']")).Matches());
        }
    }

    [Fact]
    public async Task Nats_IsAway_DropsAreFoundAndMatchesOfTheSameRelay()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await using var c = await TestClient.RegisterAsync(cluster[1], "CCCCCC");
        await a.MeetAsync("'dailyPoints':['p'],'hourlyTokens':['t'],'deadDrop':'d'");
        await b.MeetAsync("'hourlyTokens':['t']");
        await cluster.Nats.KillAsync();
        await Eventually.TrueAsync(() => !cluster[1].Get<ClusterBus>().IsUp, "it has noticed");

        var found = await c.MeetAsync("'dailyPoints':['p'],'hourlyTokens':['t']");
        Assert.Equal(["d"], found.Drops());
        Assert.Equal(["BBBBBB"], found.Matches());
        await b.ExpectAsync("rendezvous_match");

        await cluster.Nats.RestartAsync();
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterBus>().IsUp && cluster[1].Get<ClusterBus>().IsUp, "both are back");
        Assert.Equal(["BBBBBB", "AAAAAA"], (await c.MeetAsync("'hourlyTokens':['t']")).Matches());
    }

    [Fact]
    public async Task Messages_ThatNoRelaySends_AreCountedAndIgnored()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[0], "BBBBBB");
        await a.MeetAsync("'hourlyTokens':['t']");
        var (bus, hostile) = (cluster[0].Get<ClusterBus>(), cluster[1].Get<ClusterBus>());
        var subject = cluster[1].Get<ClusterSubjects>().Holder("start", cluster[0].Get<Database>().Start.ToString(CultureInfo.InvariantCulture));
        var session = SessionOf(cluster[0], "AAAAAA");

        var wrong = new[]
        {
            Matched(matched => matched.PeerId = ""),
            Matched(matched => matched.PeerId = "a\"b"),
            Matched(matched => matched.RelayId = new string('x', 129)),
            Matched(matched => matched.Address = null),
            Matched(matched => matched.Address = new ClientAddress { Bits = 1000 }),
            Matched(matched => matched.Holders.Add(Enumerable.Repeat(matched.Holders[0], 1000))),
            new Envelope { RendezvousQuestion = new RendezvousQuestion { Holders = { Enumerable.Repeat(new TokenHolder(), 1001) } } },
            new Envelope { ClientLeft = new ClientLeft { Session = 1 } },
        };
        foreach (var message in wrong)
        {
            Assert.True(hostile.TrySend(subject, message));
        }

        await Eventually.TrueAsync(() => bus.Counts.Refused == wrong.Length, "all that is wrong was counted");
        await a.ExpectNothingAsync();

        // Whoever has no token hears nothing, and who has one hears it once.
        var others = new[] { new TokenHolder { PeerId = "BBBBBB", Session = SessionOf(cluster[0], "BBBBBB") }, new TokenHolder { PeerId = "AAAAAA", Session = session + 77 } };
        Assert.True(hostile.TrySend(subject, Matched(matched => matched.Holders.Add([.. others, matched.Holders[0]]))));
        Assert.Equal("""{"type":"rendezvous_match","match":{"peerId":"CCCCCC","relayId":"r"}}""", await a.ReceiveTextAsync());
        await a.ExpectNothingAsync();
        await b.ExpectNothingAsync();
        var answer = await hostile.AskAsync(subject, new Envelope
        {
            RendezvousQuestion = new RendezvousQuestion { Holders = { others[0], others[1], new TokenHolder { PeerId = "AAAAAA", Session = session } } },
        });
        Assert.Equal([2U], answer.Message!.RendezvousAnswer.Here);

        Envelope Matched(Action<RendezvousMatched> change)
        {
            var matched = new RendezvousMatched
            {
                Holders = { new TokenHolder { PeerId = "AAAAAA", Session = session } },
                PeerId = "CCCCCC",
                RelayId = "r",
                Address = new ClientAddress { Low = 1, Bits = 32 },
            };
            change(matched);
            return new Envelope { RendezvousMatched = matched };
        }
    }

    private static long SessionOf(RelayServer relay, string code)
    {
        Assert.True(relay.Get<Clients.ClientDirectory>().TryFindCode(code, out var client));
        return client.Session.Id;
    }
}
