using System.Text;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Identity;
using Relay.Relays;
using Relay.TestKit;

namespace Relay.EndToEnd.Relays;

/// <summary>register by peer id, update_load, get_relays and heartbeat.</summary>
[Trait("Clients", "Spread")]
public sealed class RelayTests
{
    private const string BadId = "Invalid peerId: must be 1-128 alphanumeric characters, hyphens, or underscores";
    private const string BadMax = "maxConnections must be a finite number between 1 and 1000";

    /// <summary>What follows the type of a register, and its error. The peer id comes first, then the number, then the key.</summary>
    private static readonly (string Fields, string Error)[] Errors =
    [
        ("\"peerId\":\"\",\"maxConnections\":0", BadId),
        ("\"peerId\":\"a b\"", BadId),
        ("\"peerId\":\"ä\"", BadId),
        ("\"peerId\":\"a.b\"", BadId),
        ($"\"peerId\":\"{new string('a', 129)}\"", BadId),
        ("\"peerId\":\"a\",\"maxConnections\":0,\"publicKey\":\"" + new string('k', 257) + "\"", BadMax),
        ("\"peerId\":\"a\",\"maxConnections\":0.99", BadMax),
        ("\"peerId\":\"a\",\"maxConnections\":-1", BadMax),
        ("\"peerId\":\"a\",\"maxConnections\":1000.5", BadMax),
        ("\"peerId\":\"a\",\"maxConnections\":1e999", BadMax),
        ("\"peerId\":\"a\",\"maxConnections\":\"20\"", BadMax),
        ("\"peerId\":\"a\",\"maxConnections\":true", BadMax),
        ("\"peerId\":\"a\",\"maxConnections\":[20]", BadMax),
        ("\"peerId\":\"a\",\"publicKey\":\"" + new string('k', 257) + "\"", "Invalid public key length"),
    ];

    [Fact]
    public async Task Register_Mistaken_IsToldAndHoldsNothing()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);
        foreach (var (fields, error) in Errors)
        {
            await client.SendAsync($"{{\"type\":\"register\",{fields}}}");
            await client.ExpectErrorAsync(error);
        }

        Assert.Equal((0, default), (PeerIds(server), Counts(server)));
    }

    [Fact]
    public async Task Register_Good_IsToldTheOthersAndNeverItself()
    {
        TestCluster.SkipWhereSpread("what the others' clients offer is heard a second later");
        await using var server = await RelayServer.StartAsync();
        var serverId = server.Get<ServerIdentity>().ServerId;
        await using var first = await TestClient.ConnectAsync(server);
        await using var second = await TestClient.ConnectAsync(server);

        await first.SendAsync("""{"type":"register","peerId":"relay-1","maxConnections":null,"publicKey":"any text"}""");
        Assert.Equal($$"""{"type":"registered","peerId":"relay-1","serverId":"{{serverId}}","relays":[]}""", await first.ReceiveTextAsync());
        await first.SendAsync("""{"type":"update_load","peerId":"relay-1","connectedCount":5}""");
        await first.ExpectAsync("load_updated");
        await second.SendAsync("""{"type":"register","peerId":"relay_2","maxConnections":1.5,"publicKey":7}""");
        Assert.Equal(
            $$"""{"type":"registered","peerId":"relay_2","serverId":"{{serverId}}","relays":[{"peerId":"relay-1","publicKey":"any text","capacity":0.25}]}""",
            await second.ReceiveTextAsync());

        // Again from its own socket: refreshed, with its load.
        await first.SendAsync("""{"type":"register","peerId":"relay-1","maxConnections":10}""");
        Assert.Equal(
            $$"""{"type":"registered","peerId":"relay-1","serverId":"{{serverId}}","relays":[{"peerId":"relay_2","publicKey":null,"capacity":0}]}""",
            await first.ReceiveTextAsync());
        var snapshot = Snapshot(server).Single(relay => relay.PeerId == "relay-1");
        Assert.Equal((5, 10, false, "127.0.0.1"), (snapshot.ConnectedCount, snapshot.MaxConnections, snapshot.Offered, snapshot.Key.ToString()));
        Assert.Equal(2, PeerIds(server));
    }

    /// <summary>One peer id to a socket, and it goes with the socket.</summary>
    [Fact]
    public async Task PeerId_OnePerSocket_IsFreeWhenItsSocketIsGone()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await RegisterAsync(server, "a");
        var holder = await RegisterAsync(server, "b");

        await client.SendAsync("""{"type":"register","peerId":"c"}""");
        await client.ExpectErrorAsync("Cannot re-register with a different peerId");
        await client.SendAsync("""{"type":"register","peerId":"b"}""");

        // What the client itself must not do is told before what another relay knows.
        var error = (await client.ExpectAsync("error")).GetProperty("message").GetString();
        Assert.True(error == "Peer ID already in use by another connection" || (TestCluster.IsOn && error == "Cannot re-register with a different peerId"), error);
        Assert.Equal(new RelayCounts(2, 2), Counts(server));

        holder.Socket.Abort();
        await Eventually.TrueAsync(() => Counts(server).Relays == 1, "b is no relay any more");
        await Eventually.TrueAsync(() => PeerIds(server) == 1, "b is free");
        await using var successor = await RegisterAsync(server, "b");
        await client.CloseAsync();
        await successor.CloseAsync();
        await server.EmptyAsync();
        await Eventually.TrueAsync(() => (PeerIds(server), Counts(server)) == (0, default), "nothing is left of either");
    }

    /// <summary>Codes and peer ids are apart: the answer does not tell that the text is somebody's code.</summary>
    [Fact]
    public async Task PeerId_ThatIsAnothersCode_IsAnsweredLikeAnyOther()
    {
        await using var server = await RelayServer.StartAsync();
        await using var phone = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var client = await TestClient.ConnectAsync(server);

        await client.SendAsync("""{"type":"register","peerId":"AAAAAA"}""");
        await client.ExpectAsync("registered");

        // A socket may hold a code and a peer id, and they may be the same; not while another has that peer id.
        await phone.SendAsync("""{"type":"register","peerId":"AAAAAA"}""");
        await phone.ExpectErrorAsync("Peer ID already in use by another connection");
        await client.CloseAsync();
        await Eventually.TrueAsync(() => PeerIds(server) == 0, "the other has left");
        await phone.SendAsync("""{"type":"register","peerId":"AAAAAA"}""");
        await phone.ExpectAsync("registered");
    }

    [Fact]
    public async Task UpdateLoad_Mistaken_IsToldOrIgnored()
    {
        await using var server = await RelayServer.StartAsync();
        await using var relay = await RegisterAsync(server, "relay");
        await using var stranger = await TestClient.ConnectAsync(server);
        foreach (var count in new[] { "-1", "10000.5", "1e999", "\"5\"", "null", "true", "[]" })
        {
            await relay.SendAsync($$"""{"type":"update_load","peerId":"relay","connectedCount":{{count}}}""");
            await relay.ExpectErrorAsync("Invalid connectedCount");
        }

        await relay.SendAsync("""{"type":"update_load","peerId":"relay"}""");
        await relay.ExpectErrorAsync("Invalid connectedCount");
        await relay.SendAsync("""{"type":"update_load","peerId":"other","connectedCount":1}""");
        await relay.ExpectErrorAsync("peerId mismatch with registered identity");
        foreach (var type in new[] { "update_load", "heartbeat" })
        {
            foreach (var peerId in new[] { "null", "\"\"", "\"a b\"" })
            {
                await stranger.SendAsync($$"""{"type":"{{type}}","peerId":{{peerId}},"connectedCount":1}""");
                await stranger.ExpectErrorAsync("Invalid peerId");
            }

            // Another's peer id: ignored, before the count is looked at.
            await stranger.SendAsync($$"""{"type":"{{type}}","peerId":"relay","connectedCount":"x"}""");
            await stranger.ExpectNothingAsync();
        }

        Assert.Equal(0, Snapshot(server).Single().ConnectedCount);
    }

    [Fact]
    public async Task UpdateLoad_OfARelay_DecidesWhetherItIsOffered()
    {
        TestCluster.SkipWhereSpread("what the others' clients offer is heard a second later");
        await using var server = await RelayServer.StartAsync();
        await using var relay = await RegisterAsync(server, "relay");
        await using var asker = await TestClient.ConnectAsync(server);
        foreach (var (count, shown, capacity) in new[] { ("9", "9", (double?)0.45), ("10", "10", null), ("10000", "10000", null), ("-0", "0", 0), ("0.5", "0.5", 0.025) })
        {
            // Without a peer id it is the socket's own.
            await relay.SendAsync($$"""{"type":"update_load","connectedCount":{{count}}}""");
            Assert.Equal($$"""{"type":"load_updated","peerId":"relay","connectedCount":{{shown}}}""", await relay.ReceiveTextAsync());

            await asker.SendAsync("""{"type":"get_relays","peerId":"me"}""");
            var relays = (await asker.ExpectAsync("relays")).GetProperty("relays").EnumerateArray();
            Assert.Equal(capacity is null ? [] : [capacity.Value], relays.Select(offer => offer.GetProperty("capacity").GetDouble()));
        }
    }

    [Fact]
    public async Task GetRelays_WithoutAName_IsTold()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);
        foreach (var peerId in new[] { "", ",\"peerId\":null", ",\"peerId\":\"\"", ",\"peerId\":7", ",\"peerId\":\"a/b\"" })
        {
            await client.SendAsync($$"""{"type":"get_relays"{{peerId}}}""");
            await client.ExpectErrorAsync("Invalid peerId");
        }
    }

    [Fact]
    public async Task GetRelays_Count_IsClamped()
    {
        TestCluster.SkipWhereSpread("it is given relays without clients");
        await using var server = await RelayServer.StartAsync(settings => settings.Relays.Offered = 3);
        for (var i = 0; i < 105; i++)
        {
            server.Get<RelayRegistry>().Register(new Client(null!), IpKey.FromIpv4((uint)i << 8), $"relay-{i}", null, 20);
        }

        await using var client = await TestClient.ConnectAsync(server);
        foreach (var (count, expected) in new[]
        {
            ("", 3), (",\"count\":null", 3), (",\"count\":\"50\"", 3), (",\"count\":7", 7), (",\"count\":7.9", 7), (",\"count\":0", 1), (",\"count\":-5", 1),
            (",\"count\":100", 100), (",\"count\":101", 100), (",\"count\":1e999", 100),
        })
        {
            await client.SendAsync($$"""{"type":"get_relays","peerId":"me"{{count}}}""");
            Assert.Equal(expected, (await RelaysAsync(client)).Distinct().Count());
        }

        await client.SendAsync("""{"type":"register","peerId":"me"}""");
        Assert.Equal(3, (await client.ExpectAsync("registered")).GetProperty("relays").GetArrayLength());
    }

    [Fact]
    public async Task GetRelays_OfAnybody_LeavesOutTheAskerAndWhomItNames()
    {
        TestCluster.SkipWhereSpread("what the others' clients offer is heard a second later");
        await using var server = await RelayServer.StartAsync();
        await using var a = await RegisterAsync(server, "a");
        await using var b = await RegisterAsync(server, "b");
        await using var c = await RegisterAsync(server, "c");
        await using var phone = await TestClient.RegisterAsync(server, "AAAAAA");
        foreach (var (client, name, expected) in new[]
        {
            (a, "a", new[] { "b", "c" }), (a, "b", ["c"]), (a, "nobody", ["b", "c"]), (phone, "b", ["a", "c"]), (phone, "AAAAAA", ["a", "b", "c"]),
        })
        {
            await client.SendAsync($$"""{"type":"get_relays","peerId":"{{name}}"}""");
            Assert.Equal(expected, (await RelaysAsync(client)).Order());
        }
    }

    [Fact]
    public async Task Heartbeat_OfARelay_IsAcknowledgedAndSeen()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(time: time);
        await using var relay = await RegisterAsync(server, "relay");
        await using var phone = await TestClient.RegisterAsync(server, "AAAAAA");
        var registered = time.GetUtcNow();
        time.Advance(TimeSpan.FromSeconds(5));

        await relay.SendAsync("""{"type":"heartbeat","peerId":"relay"}""");
        Assert.Equal($$"""{"type":"heartbeat_ack","timestamp":{{time.GetUtcNow().ToUnixTimeMilliseconds()}}}""", await relay.ReceiveTextAsync());
        var snapshot = Snapshot(server).Single();
        Assert.Equal((registered, time.GetUtcNow()), (snapshot.RegisteredAt, snapshot.LastSeen));

        // A code is a name of its socket but no relay's.
        await phone.SendAsync("""{"type":"heartbeat","peerId":"AAAAAA"}""");
        await phone.SendAsync("""{"type":"update_load","connectedCount":1}""");
        await phone.ExpectNothingAsync();
    }

    /// <summary>
    /// Any activity keeps a relay, ping too, and none for 75 s ends it,
    /// half-open or not; its name is free then.
    /// </summary>
    [Fact]
    public async Task Relay_ThatOnlyPings_StaysAndASilentOneGoes()
    {
        var time = new FakeTimeProvider();

        // Without the self-audit, whose looks at a closing socket are apart in this clock's time only.
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.ReconcileInterval = TimeSpan.FromDays(1), time);
        await using var relay = await RawWebSocket.OpenAsync(server);
        await using var silent = await RawWebSocket.OpenAsync(server);
        await relay.WriteTextFrameAsync("""{"type":"register","peerId":"relay"}""");
        Assert.Contains("registered", await relay.ReadTextAsync(), StringComparison.Ordinal);
        await silent.WriteTextFrameAsync("""{"type":"register","peerId":"silent"}""");
        Assert.Contains("registered", await silent.ReadTextAsync(), StringComparison.Ordinal);
        for (var i = 1; i <= 12; i++)
        {
            time.Pass(TimeSpan.FromSeconds(25));
            if (i == 3)
            {
                Assert.Equal((1001, "Heartbeat timeout"), await silent.ReadCloseAsync());
            }

            await relay.WriteTextFrameAsync("""{"type":"ping"}""");
            var (opcode, payload) = await relay.ReadFrameAsync();
            while (opcode == 9)
            {
                // The server's own ping, which this client does not answer.
                (opcode, payload) = await relay.ReadFrameAsync();
            }

            Assert.Equal("""{"type":"pong"}""", Encoding.UTF8.GetString(payload));
        }

        await Eventually.TrueAsync(() => PeerIds(server) == 1, "the silent relay's name is free");
        Assert.Equal("relay", Snapshot(server).Single().PeerId);
    }

    private static async Task<TestClient> RegisterAsync(RelayServer server, string peerId)
    {
        var client = await TestClient.ConnectAsync(server);
        await client.SendAsync($$"""{"type":"register","peerId":"{{peerId}}"}""");
        await client.ExpectAsync("registered");
        return client;
    }

    private static async Task<string[]> RelaysAsync(TestClient client) =>
        [.. (await client.ExpectAsync("relays")).GetProperty("relays").EnumerateArray().Select(offer => offer.GetProperty("peerId").GetString()!)];

    private static long PeerIds(RelayServer server) => server.Sum<ClientDirectory>(clients => clients.Counts().PeerIds);

    private static RelayCounts Counts(RelayServer server) => new(
        (int)server.Sum<RelayRegistry>(registry => registry.Counts().Relays), (int)server.Sum<RelayRegistry>(registry => registry.Counts().Offered));

    private static List<RelaySnapshot> Snapshot(RelayServer server) => [.. server.All.SelectMany(relay => relay.Get<RelayRegistry>().Snapshot())];
}
