using System.Globalization;
using System.Text.Json;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.EndToEnd.Support;
using Relay.Relays;

namespace Relay.EndToEnd.Cluster;

/// <summary>Peers that offer to relay, asked for at other nodes than theirs.</summary>
public sealed class RelaysAcrossRelaysTests
{
    [Fact]
    public async Task Relays_OfAllNodes_AreOfferedAtEachOnceWithTheirLoad()
    {
        await using var cluster = await RelayCluster.StartAsync(3, AskOften);
        var relays = new List<TestClient>();
        for (var i = 0; i < 6; i++)
        {
            relays.Add(await TestClient.ConnectAsync(cluster[i % 3]));
            await relays[i].SendAsync($$"""{"type":"register","peerId":"p{{i}}","publicKey":"key-{{i}}","maxConnections":10}""");
            await relays[i].ExpectAsync("registered");
        }

        await LoadAsync(relays[1], "p1", 4);
        string[] all = ["p0 key-0 0", "p1 key-1 0.4", "p2 key-2 0", "p3 key-3 0", "p4 key-4 0", "p5 key-5 0"];
        for (var i = 0; i < 3; i++)
        {
            await using var client = await TestClient.ConnectAsync(cluster[i]);
            await OffersAsync(client, all);

            // Never the one that is named, wherever it is, and no more than were asked for.
            Assert.Equal(5, (await AskAsync(client, "p3")).Length);
            Assert.Equal(2, (await AskAsync(client, "x", 2)).Length);
            Assert.Equal(new RelayCounts(2, 2), cluster[i].Get<RelayRegistry>().Counts());
            Assert.Equal(2, cluster[i].Get<RelayRegistry>().Snapshot().Count);
        }

        // One that is busy now, and one that has left, are offered nowhere; a third moves.
        await LoadAsync(relays[1], "p1", 5);
        await relays[2].CloseAsync();
        await relays[4].CloseAsync();
        await Eventually.TrueAsync(() => cluster[1].Get<RelayRegistry>().Counts().Relays == 1, "it has left");
        await using var moved = await TestClient.ConnectAsync(cluster[0]);
        await moved.SendAsync("""{"type":"register","peerId":"p4","publicKey":"key-4","maxConnections":10}""");
        await moved.ExpectAsync("registered");
        string[] left = ["p0 key-0 0", "p3 key-3 0", "p4 key-4 0", "p5 key-5 0"];
        for (var i = 0; i < 3; i++)
        {
            await using var client = await TestClient.ConnectAsync(cluster[i]);
            await OffersAsync(client, left);
        }

        foreach (var relay in relays)
        {
            await relay.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("STOP")]
    [InlineData("TERM")]
    public async Task Node_IsGone_ItsRelaysAreToo(string signal)
    {
        await using var cluster = await RelayCluster.StartAsync(1, AskOften);
        await using var lost = await RelayProcess.StartAsync(cluster.Arguments("lost"));
        await using var relay = await TestClient.ConnectAsync(lost.Port);
        await relay.SendAsync("""{"type":"register","peerId":"p"}""");
        await relay.ExpectAsync("registered");
        await using var client = await TestClient.ConnectAsync(cluster[0]);
        await OffersAsync(client, ["p  0"]);

        await (signal == "KILL" ? lost.KillAsync() : lost.SignalAsync(signal));
        await OffersAsync(client, []);
        if (signal == "STOP")
        {
            await lost.SignalAsync("CONT");
            await OffersAsync(client, ["p  0"]);
        }
    }

    [Fact]
    public async Task Nats_IsAway_EachOffersItsOwn()
    {
        await using var cluster = await RelayCluster.StartAsync(2, AskOften);
        await using var a = await TestClient.ConnectAsync(cluster[0]);
        await using var b = await TestClient.ConnectAsync(cluster[1]);
        await a.SendAsync("""{"type":"register","peerId":"a"}""");
        await b.SendAsync("""{"type":"register","peerId":"b"}""");
        await a.ExpectAsync("registered");
        await b.ExpectAsync("registered");
        await OffersAsync(a, ["b  0"]);

        await cluster.Nats.KillAsync();
        await OffersAsync(a, []);
        await using var client = await TestClient.ConnectAsync(cluster[0]);
        await OffersAsync(client, ["a  0"]);

        await cluster.Nats.RestartAsync();
        await OffersAsync(client, ["a  0", "b  0"]);
    }

    [Fact]
    public async Task Messages_ThatNoRelaySends_AreCountedAndIgnored()
    {
        await using var cluster = await RelayCluster.StartAsync(2, AskOften);
        await using var own = await TestClient.ConnectAsync(cluster[0]);
        await own.SendAsync("""{"type":"register","peerId":"own"}""");
        await own.ExpectAsync("registered");
        await Eventually.TrueAsync(() => cluster[0].Get<ClusterNodes>().Count == 1, "they know each other");
        var (bus, hostile) = (cluster[0].Get<ClusterBus>(), cluster[1].Get<ClusterBus>());
        var subject = cluster[1].Get<ClusterSubjects>().All("relays");

        var wrong = new[]
        {
            Offer(relay => relay.PeerId = ""),
            Offer(relay => relay.PeerId = "a\"b"),
            Offer(relay => relay.PublicKey = new string('x', 257)),
            Offer(relay => relay.Capacity = double.NaN),
            Offer(relay => relay.Capacity = -0.1),
            Offer(relay => relay.Capacity = double.PositiveInfinity),
            Offer(relay => relay.Address = null),
            new Envelope { RelaysOffered = new RelaysOffered { Relays = { Enumerable.Range(0, 101).Select(i => Valid($"r{i}")) } } },
            new Envelope { ClientLeft = new ClientLeft { Session = 1 } },
        };
        foreach (var message in wrong)
        {
            Assert.True(hostile.TrySend(subject, message));
        }

        await Eventually.TrueAsync(() => bus.Counts.Refused == wrong.Length, "all that is wrong was counted");

        // A name that is this relay's, and one that is given twice, are one relay each; the next message takes the place of this one.
        await using var client = await TestClient.ConnectAsync(cluster[0]);
        foreach (var (relays, expected) in new[]
        {
            (new[] { Valid("own", 0.3), Valid("r", 0.1), Valid("r", 0.2) }, new[] { "own  0", "r  0.2" }),
            ([Valid("s", 0.1)], ["own  0", "s  0.1"]),
            ([], ["own  0"]),
        })
        {
            Assert.True(hostile.TrySend(subject, new Envelope { RelaysOffered = new RelaysOffered { Relays = { relays } } }));
            await OffersAsync(client, expected);
        }

        static Envelope Offer(Action<OfferedRelay> change)
        {
            var relay = Valid("r");
            change(relay);
            return new Envelope { RelaysOffered = new RelaysOffered { Relays = { relay } } };
        }

        static OfferedRelay Valid(string name, double capacity = 0) =>
            new() { PeerId = name, Capacity = capacity, Address = new ClientAddress { Low = 1, Bits = 32 } };
    }

    private static void AskOften(Relay.Configuration.RelaySettings settings) => settings.Sessions.MessagesPerMinute = 100_000;

    private static async Task LoadAsync(TestClient relay, string peerId, int count)
    {
        await relay.SendAsync($$"""{"type":"update_load","peerId":"{{peerId}}","connectedCount":{{count}}}""");
        await relay.ExpectAsync("load_updated");
    }

    // Nodes tell each other once a second: asked again until it is so.
    private static async Task OffersAsync(TestClient client, string[] expected)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var patience = new CancellationTokenSource(TestClient.Timeout);
        while (true)
        {
            string[] offers = [.. (await AskAsync(client, "nobody")).Order(StringComparer.Ordinal)];
            if (offers.SequenceEqual(expected))
            {
                return;
            }

            Assert.False(patience.IsCancellationRequested, $"offered: {string.Join(", ", offers)}; expected: {string.Join(", ", expected)}");
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private static async Task<string[]> AskAsync(TestClient client, string other, int count = 100)
    {
        await client.SendAsync($$"""{"type":"get_relays","peerId":"{{other}}","count":{{count}}}""");
        return [.. (await client.ExpectAsync("relays")).GetProperty("relays").EnumerateArray().Select(Text)];

        static string Text(JsonElement relay) => string.Create(
            CultureInfo.InvariantCulture,
            $"{relay.GetProperty("peerId").GetString()} {relay.GetProperty("publicKey").GetString()} {relay.GetProperty("capacity").GetDouble()}");
    }
}
