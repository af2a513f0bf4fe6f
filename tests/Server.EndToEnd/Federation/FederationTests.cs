using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Configuration;
using Relay.EndToEnd.Support;
using Relay.Federation;
using Relay.Identity;
using Relay.Policy;

namespace Relay.EndToEnd.Federation;

/// <summary>Peer servers over real sockets: who is admitted, the caps, and that clients lose nothing by it.</summary>
public sealed class FederationTests
{
    [Theory]
    [InlineData("/federation")]
    [InlineData("/server")]
    public async Task Handshake_Valid_IsAnsweredAndListed(string path)
    {
        await using var server = await RelayServer.StartAsync(Any);
        await using var peer = await AuthenticateAsync(server, 1, path);

        var listed = Assert.Single((await server.Admin.ListPeersAsync(new ListPeersRequest(), cancellationToken: TestContext.Current.CancellationToken)).Peers);
        Assert.Equal(("ed25519:" + Convert.ToBase64String(Public(1)).TrimEnd('=').Replace('+', '-').Replace('/', '_'), "wss://p1.example"), (listed.ServerId, listed.Endpoint));
        Assert.Equal(0, server.Get<ConnectionLedger>().Totals().Live);

        await peer.SendAsync("""{"type":"gossip","subtype":"ping"}""");
        await Eventually.TrueAsync(() => server.Get<PeerCounts>().GossipIgnored == 1, "gossip counted");
        await peer.CloseAsync();
        await Eventually.TrueAsync(() => server.Get<PeerTable>().AuthenticatedCount == 0, "peer gone");
    }

    [Fact]
    public async Task Handshake_ServerIsListed_OnlyThatOneIsAdmitted()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Federation.Servers = [ServerId.Format(Public(1))]);
        await using var listed = await AuthenticateAsync(server, 1);
        await using var stranger = await TestClient.ConnectAsync(server, "/federation", greeted: false);
        await stranger.SendAsync(Handshake(2, DateTimeOffset.UtcNow));
        Assert.Equal((1008, "Server not listed"), await stranger.ExpectCloseAsync());
    }

    [Fact]
    public async Task Handshake_StaleForgedReplayedOrNone_IsRefused()
    {
        await using var server = await RelayServer.StartAsync(Any);
        Assert.Equal((4001, "Handshake timestamp out of range"), await RefusedAsync(server, Handshake(1, DateTimeOffset.UtcNow.AddMinutes(-6))));
        Assert.Equal((4001, "Handshake timestamp out of range"), await RefusedAsync(server, Handshake(1, DateTimeOffset.UtcNow.AddMinutes(6))));
        Assert.Equal(
            (4001, "Invalid handshake signature"),
            await RefusedAsync(server, Handshake(1, DateTimeOffset.UtcNow).Replace("p1.example", "evil.example", StringComparison.Ordinal)));
        Assert.Equal((4001, "Invalid handshake signature"), await RefusedAsync(server, "garbage"));
        Assert.Equal((4001, "Invalid handshake signature"), await RefusedAsync(server, """{"type":"ping"}"""));

        var recorded = Handshake(1, DateTimeOffset.UtcNow);
        await using (var peer = await TestClient.ConnectAsync(server, "/federation", greeted: false))
        {
            await peer.SendAsync(recorded);
            await peer.ExpectAsync("handshake_ack");
        }

        Assert.Equal((4001, "Handshake already used"), await RefusedAsync(server, recorded));
    }

    [Theory]
    [InlineData("ban")]
    [InlineData("override")]
    [InlineData("automatic")]
    public async Task Upgrade_FromABannedAddress_Is403AndCounted(string how)
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            Any(settings);
            settings.AutoBan.PrivateNetworks = true;
            settings.AutoBan.Threshold = 1;
            settings.Admission.Overrides = how == "override" ? ["127.0.3.1=deny"] : [];
        });
        if (how == "ban")
        {
            await server.Get<AdmissionGate>().ChangeAsync(new PolicyChange(
                new Dictionary<string, string?> { [PolicyItems.Ban + "127.0.3.0/24"] = "forever test" }, "test", ""));
        }
        else if (how == "automatic")
        {
            server.Get<AutoBans>().RecordViolation(IpKey.From(System.Net.IPAddress.Parse("127.0.3.1")));
        }

        await using var banned = await RawWebSocket.DialAsync(server, "127.0.3.1");
        await banned.WriteAsync($"GET /federation HTTP/1.1\r\nHost: x\r\n{RawWebSocket.Upgrade}\r\n");
        Assert.StartsWith("HTTP/1.1 403 ", await banned.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal(0, server.Get<PeerTable>().PendingCount);
        Assert.Equal("banned", Assert.Single(server.Get<PeerCounts>().RefusedByReason(), count => count.Value > 0).Key);
        await using var other = await AuthenticateAsync(server, 1);
    }

    [Fact]
    public async Task Ban_WithDisconnect_ClosesPeersOfTheNetwork()
    {
        await using var server = await RelayServer.StartAsync(Any);
        await using var peer = await AuthenticateAsync(server, 1);
        await using var client = await TestClient.ConnectAsync(server, "/", "127.0.3.1");
        var reply = await new PolicyAdmin(server.Channel).BanAsync("127.0.0.0/24", disconnect: true, force: true);
        Assert.Equal((0, 0), (reply.Connections, reply.Disconnected));
        Assert.Equal((1008, "Banned"), await peer.ExpectCloseAsync());
    }

    [Fact]
    public async Task Handshake_Silence_IsClosedAfterTenSeconds()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(Any, time);
        await using var peer = await TestClient.ConnectAsync(server, "/federation", greeted: false);
        await Eventually.TrueAsync(() => server.Get<PeerTable>().PendingCount == 1, "socket in the table");
        var closed = peer.ExpectCloseAsync();
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(500));
                return closed.IsCompleted;
            },
            "closed");
        Assert.Equal((4000, "Handshake timeout"), await closed);
    }

    [Fact]
    public async Task Pending_OverTheCaps_GetsAStatusBeforeTheUpgradeAndClientsLoseNothing()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            Any(settings);
            settings.Admission.Total = 3;
            settings.Admission.PerIp = 3;
        });
        var idle = new List<TestClient>();
        for (var i = 0; i < 32; i++)
        {
            idle.Add(await TestClient.ConnectAsync(server, "/federation", $"127.0.1.{1 + (i / 4)}", greeted: false));
        }

        await RefusedBeforeUpgradeAsync(server, "127.0.1.1");
        await using (var other = await TestClient.ConnectAsync(server, "/federation", "127.0.2.1", greeted: false))
        {
            // An address that has none is let in, in place of one of those with four.
            Assert.Equal(32, server.Get<PeerTable>().PendingCount);
        }

        await Eventually.TrueAsync(() => server.Get<PeerTable>().PendingCount == 31, "the other has left");
        idle.Add(await TestClient.ConnectAsync(server, "/federation", "127.0.2.1", greeted: false));
        Assert.Equal(32, server.Get<PeerTable>().PendingCount);

        // Clients have all their places, and one more is told so as ever.
        var clients = new List<TestClient>();
        for (var i = 0; i < 3; i++)
        {
            clients.Add(await TestClient.ConnectAsync(server));
        }

        await using (var refused = await TestClient.ConnectAsync(server, greeted: false))
        {
            Assert.Equal((1013, "Server at capacity"), await refused.ExpectCloseAsync());
        }

        foreach (var socket in idle)
        {
            await socket.DisposeAsync();
        }

        await Eventually.TrueAsync(() => server.Get<PeerTable>().PendingCount == 0, "pending ones gone");

        // And a peer gets in although the clients are at their limit.
        await using (await AuthenticateAsync(server, 1))
        {
            Assert.Equal(3, server.Get<ConnectionLedger>().Totals().Live);
        }

        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Authenticated_OverTheCap_GetsAStatusBeforeTheUpgrade()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            Any(settings);
            settings.Federation.MaxPeers = 1;
        });
        await using var peer = await AuthenticateAsync(server, 1);
        await RefusedBeforeUpgradeAsync(server, "127.0.0.2");
    }

    [Fact]
    public async Task Handshake_SameServerTwice_OneLinkStays()
    {
        await using var server = await RelayServer.StartAsync(Any);
        var own = server.Get<ServerIdentity>().ServerId;
        await using var first = await AuthenticateAsync(server, 1);
        await using var second = await TestClient.ConnectAsync(server, "/federation", greeted: false);
        await second.SendAsync(Handshake(1, DateTimeOffset.UtcNow.AddSeconds(1)));
        var loser = string.CompareOrdinal(own, ServerId.Format(Public(1))) < 0 ? second : first;
        Assert.Equal((4003, "Duplicate connection"), await loser.ExpectCloseAsync());
        Assert.Equal(1, server.Get<PeerTable>().AuthenticatedCount);
    }

    [Theory]
    [InlineData("/federation")]
    [InlineData("/server")]
    [InlineData("/admin/ws")]
    public async Task Upgrade_PathSwitchedOff_Is404(string path)
    {
        await using var server = await RelayServer.StartAsync();
        await using var raw = await RawWebSocket.DialAsync(server);
        await raw.WriteAsync($"GET {path} HTTP/1.1\r\nHost: x\r\n{RawWebSocket.Upgrade}\r\n");
        Assert.StartsWith("HTTP/1.1 404 ", await raw.ReadHeadAsync(), StringComparison.Ordinal);
    }

    private static void Any(RelaySettings settings) => settings.Federation.Admit = FederationAdmit.Any;

    private static async Task<TestClient> AuthenticateAsync(RelayServer server, byte seed, string path = "/federation")
    {
        var peer = await TestClient.ConnectAsync(server, path, greeted: false);
        await peer.SendAsync(Handshake(seed, DateTimeOffset.UtcNow));
        var ack = await peer.ExpectAsync("handshake_ack");
        Assert.Equal(server.Get<ServerIdentity>().ServerId, ack.GetProperty("serverId").GetString());
        Assert.True(Ed25519.Verify(
            ack.GetProperty("publicKey").GetBytesFromBase64(), Signed(ack), ack.GetProperty("signature").GetBytesFromBase64()));
        return peer;
    }

    // The ack's text without type and signature, as the document defines it; ours has nothing that JSON could spell in two ways.
    private static byte[] Signed(JsonElement ack) => System.Text.Encoding.UTF8.GetBytes(
        "{" + string.Join(',', ack.EnumerateObject().Where(field => field.Name is not ("type" or "signature")).Select(field => $"\"{field.Name}\":{field.Value.GetRawText()}")) + "}");

    private static async Task<(int Code, string Reason)> RefusedAsync(RelayServer server, string first)
    {
        await using var peer = await TestClient.ConnectAsync(server, "/federation", greeted: false);
        await peer.SendAsync(first);
        return await peer.ExpectCloseAsync();
    }

    private static async Task RefusedBeforeUpgradeAsync(RelayServer server, string from)
    {
        await using var raw = await RawWebSocket.DialAsync(server, from);
        await raw.WriteAsync($"GET /federation HTTP/1.1\r\nHost: x\r\n{RawWebSocket.Upgrade}\r\n");
        var head = await raw.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 503 ", head, StringComparison.Ordinal);
        Assert.Contains("Retry-After: ", head, StringComparison.Ordinal);
    }

    private static string Handshake(byte seed, DateTimeOffset at)
    {
        var key = Convert.ToBase64String(Public(seed));
        var body = $$$"""
            "serverId":"{{{ServerId.Format(Public(seed))}}}","nodeId":"{{{ServerId.NodeId(Public(seed))}}}","endpoint":"wss://p{{{seed}}}.example","publicKey":"{{{key}}}","metadata":{"region":"eu"},"timestamp":{{{at.ToUnixTimeMilliseconds()}}}
            """;
        using var signer = Ed25519.ImportSeed(Seed(seed));
        var signature = Ed25519.Sign(signer, System.Text.Encoding.UTF8.GetBytes("{" + body + "}"));
        return $$"""{"type":"handshake",{{body}},"signature":"{{Convert.ToBase64String(signature)}}"}""";
    }

    private static byte[] Seed(byte seed) => [.. Enumerable.Repeat(seed, 32)];

    private static byte[] Public(byte seed)
    {
        using var key = Ed25519.ImportSeed(Seed(seed));
        return Ed25519.PublicKeyOf(key);
    }
}
