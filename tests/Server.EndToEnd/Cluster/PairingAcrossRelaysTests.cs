using System.Text.Json;
using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Signaling;

namespace Relay.EndToEnd.Cluster;

/// <summary>Clients of one cluster, each on a relay of its own, that register, pair and link as if they were on one.</summary>
public sealed class PairingAcrossRelaysTests
{
    private const string Collision = "code_collision";

    [Fact]
    public async Task Register_CodeOfAnotherRelay_IsACollision()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.ConnectAsync(cluster[1]);

        await b.RegisterCodeAsync("AAAAAA", TestClient.Key("other"));
        await b.ExpectAsync(Collision);
        Assert.Equal(1, cluster[1].Get<ClientDirectory>().Counts().Collisions);

        // It has not been taken by the attempt.
        await b.RegisterCodeAsync("BBBBBB", TestClient.Key("BBBBBB"));
        await b.ExpectAsync("registered");
        await a.ExpectNothingAsync();
    }

    [Fact]
    public async Task Register_CodeThatAnotherRelayHolds_IsOnlyForItsKey()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using (var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA"))
        {
            await a.CloseAsync();
        }

        await Eventually.TrueAsync(() => cluster[0].Get<ClientDirectory>().Counts().Codes == 0, "the client has left");
        await using var stranger = await TestClient.ConnectAsync(cluster[1]);
        await stranger.RegisterCodeAsync("AAAAAA", TestClient.Key("other"));
        await stranger.ExpectAsync(Collision);

        await using var back = await TestClient.RegisterAsync(cluster[1], "AAAAAA");

        // And from there it is held now.
        await using var late = await TestClient.ConnectAsync(cluster[0]);
        await late.RegisterCodeAsync("AAAAAA", TestClient.Key("other"));
        await late.ExpectAsync(Collision);
    }

    [Fact]
    public async Task Register_SameKeyAndTheHolderIsThere_IsACollision()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.ConnectAsync(cluster[1]);
        await b.RegisterCodeAsync("AAAAAA", TestClient.Key("AAAAAA"));
        var pongs = a.ReceiveTextAsync();

        await b.ExpectAsync(Collision);

        await a.SendAsync("""{"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", await pongs);
    }

    [Fact]
    public async Task Register_SameKeyAndTheHolderIsSilent_GetsTheCode()
    {
        await using var cluster = await RelayCluster.StartAsync();

        // It answers pings only while somebody reads from it.
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "AAAAAA");

        Assert.Equal(0, cluster[0].Get<ClientDirectory>().Counts().Codes);
        Assert.True(cluster[1].Get<ClientDirectory>().TryFindCode("AAAAAA", out _));
    }

    [Fact]
    public async Task Register_PeerIdOfAnotherRelay_IsRefused()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.ConnectAsync(cluster[0]);
        await using var b = await TestClient.ConnectAsync(cluster[1]);
        const string Register = """{"type":"register","peerId":"peer-1"}""";
        await a.SendAsync(Register);
        await a.ExpectAsync("registered");
        await b.SendAsync(Register);
        var here = await b.ExpectAsync("error");

        await using var c = await TestClient.ConnectAsync(cluster[0]);
        await c.SendAsync(Register);
        Assert.Equal((await c.ExpectAsync("error")).GetRawText(), here.GetRawText());
    }

    [Fact]
    public async Task Pair_Accepted_BothLearnTheOthersKey()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");

        await RequestAsync(a, "BBBBBB", """,  "proposedName":" Ann " """);
        var incoming = await b.ExpectAsync("pair_incoming");
        Assert.Equal(("AAAAAA", TestClient.Key("AAAAAA"), 120_000L, "Ann"), (
            incoming.GetProperty("fromCode").GetString(), incoming.GetProperty("fromPublicKey").GetString(),
            incoming.GetProperty("expiresIn").GetInt64(), incoming.GetProperty("proposedName").GetString()));
        await a.ExpectNothingAsync();

        await RespondAsync(b, "AAAAAA", accepted: true);
        Assert.Equal(("BBBBBB", TestClient.Key("BBBBBB"), true), Match(await a.ExpectAsync("pair_matched")));
        Assert.Equal(("AAAAAA", TestClient.Key("AAAAAA"), false), Match(await b.ExpectAsync("pair_matched")));
        Assert.Equal((0, 0), Open(cluster));
    }

    [Fact]
    public async Task Pair_Rejected_OnlyTheRequesterIsTold()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");
        await RespondAsync(b, "AAAAAA", accepted: false);
        Assert.Equal("BBBBBB", (await a.ExpectAsync("pair_rejected")).GetProperty("peerCode").GetString());
        await b.ExpectNothingAsync();
        Assert.Equal((0, 0), Open(cluster));
    }

    [Fact]
    public async Task Pair_CodeOfNobody_IsNotPossible()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");

        await RequestAsync(a, "ZZZZZZ");

        Assert.Equal("Pair request could not be processed", (await a.ExpectAsync("pair_error")).GetProperty("error").GetString());
        Assert.Equal(0, cluster[0].Get<RemoteRequests>().Count);
    }

    [Fact]
    public async Task Pair_NoAnswer_BothAreWarnedAndTheRequesterIsTold()
    {
        await using var cluster = await RelayCluster.StartAsync(configure: settings =>
        {
            settings.Signaling.PairRequestTimeout = TimeSpan.FromSeconds(2);
            settings.Signaling.PairRequestWarning = TimeSpan.FromSeconds(1);
        });
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");

        Assert.Equal(("BBBBBB", 1), Expiring(await a.ExpectAsync("pair_expiring")));
        Assert.Equal(("AAAAAA", 1), Expiring(await b.ExpectAsync("pair_expiring")));
        Assert.Equal("BBBBBB", (await a.ExpectAsync("pair_timeout")).GetProperty("peerCode").GetString());
        await b.ExpectNothingAsync();
        Assert.Equal((0, 0), Open(cluster));

        static (string?, int) Expiring(JsonElement message) => (message.GetProperty("peerCode").GetString(), message.GetProperty("remainingSeconds").GetInt32());
    }

    [Fact]
    public async Task Pair_Repeated_ReplacesTheEarlier()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        for (var i = 0; i < 3; i++)
        {
            await RequestAsync(a, "BBBBBB");
            await b.ExpectAsync("pair_incoming");
        }

        await Eventually.TrueAsync(() => Open(cluster) == (1, 1), "one request waits");
        await RespondAsync(b, "AAAAAA", accepted: true);
        await a.ExpectAsync("pair_matched");
        await a.ExpectNothingAsync();
    }

    [Fact]
    public async Task Pair_TargetLeaves_TheRequesterIsToldAtOnce()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");

        await b.CloseAsync();

        Assert.Equal("BBBBBB", (await a.ExpectAsync("pair_timeout")).GetProperty("peerCode").GetString());
    }

    [Fact]
    public async Task Pair_RequesterLeaves_ALaterAnswerFindsNothing()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");

        await a.CloseAsync();

        await Eventually.TrueAsync(() => Open(cluster) == (0, 0), "the request is forgotten on both relays");
        await RespondAsync(b, "AAAAAA", accepted: true);
        Assert.Equal("No pending request from this peer", (await b.ExpectAsync("pair_error")).GetProperty("error").GetString());
    }

    [Fact]
    public async Task Link_Accepted_BothAreTold()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var browser = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var phone = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await LinkAsync(browser, "BBBBBB");
        var shown = await phone.ExpectAsync("link_request");
        Assert.Equal(("BBBBBB", TestClient.Key("link"), "Laptop"), (
            shown.GetProperty("linkCode").GetString(), shown.GetProperty("publicKey").GetString(), shown.GetProperty("deviceName").GetString()));

        await phone.SendAsync("""{"type":"link_response","linkCode":"BBBBBB","accepted":true,"deviceId":"d1"}""");

        var linked = await browser.ExpectAsync("link_matched");
        Assert.Equal((TestClient.Key("BBBBBB"), "d1"), (linked.GetProperty("peerPublicKey").GetString(), linked.GetProperty("deviceId").GetString()));
        var told = await phone.ExpectAsync("link_matched");
        Assert.Equal(("AAAAAA", "Laptop"), (told.GetProperty("webClientCode").GetString(), told.GetProperty("deviceName").GetString()));
        Assert.Equal((0, 0), Open(cluster));
    }

    [Fact]
    public async Task Link_RejectedOrPhoneOrBrowserLeaves_TheOtherIsTold()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var browser = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var phone = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await LinkAsync(browser, "BBBBBB");
        await phone.ExpectAsync("link_request");
        await phone.SendAsync("""{"type":"link_response","linkCode":"BBBBBB","accepted":false}""");
        await browser.ExpectAsync("link_rejected");

        await using var other = await TestClient.RegisterAsync(cluster[0], "CCCCCC");
        await LinkAsync(other, "BBBBBB");
        await phone.ExpectAsync("link_request");
        await other.CloseAsync();
        await phone.ExpectAsync("link_timeout");

        await LinkAsync(browser, "BBBBBB");
        await phone.ExpectAsync("link_request");
        await phone.CloseAsync();
        await browser.ExpectAsync("link_timeout");
        await Eventually.TrueAsync(() => Open(cluster) == (0, 0), "nothing is left");
    }

    [Fact]
    public async Task RequireMatch_OnlyPartnersMaySend_UntilOneLeaves()
    {
        await using var cluster = await RelayCluster.StartAsync(configure: settings => settings.Signaling.RequireMatch = true);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await OfferAsync(a, "BBBBBB");
        await a.ExpectErrorAsync("Not paired with target");
        await OfferAsync(a, "ZZZZZZ");
        await a.ExpectErrorAsync("Not paired with target");

        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");
        await RespondAsync(b, "AAAAAA", accepted: true);
        await a.ExpectAsync("pair_matched");
        await b.ExpectAsync("pair_matched");
        await OfferAsync(a, "BBBBBB");
        await b.ExpectAsync("offer");
        await OfferAsync(b, "AAAAAA");
        await a.ExpectAsync("offer");
        Assert.Equal((1, 1), (cluster[0].Get<MatchTable>().Count, cluster[1].Get<MatchTable>().Count));

        await b.CloseAsync();

        await Eventually.TrueAsync(() => cluster[0].Get<MatchTable>().Count == 0 && cluster[1].Get<MatchTable>().Count == 0, "both relays forget the match");
    }

    private static Task RequestAsync(TestClient client, string target, string more = "") =>
        client.SendAsync($$"""{"type":"pair_request","targetCode":"{{target}}" {{more}} }""");

    private static Task RespondAsync(TestClient client, string requester, bool accepted) =>
        client.SendAsync($$"""{"type":"pair_response","targetCode":"{{requester}}","accepted":{{(accepted ? "true" : "false")}} }""");

    private static Task LinkAsync(TestClient browser, string code) =>
        browser.SendAsync($$"""{"type":"link_request","linkCode":"{{code}}","publicKey":"{{TestClient.Key("link")}}","deviceName":"Laptop"}""");

    private static Task OfferAsync(TestClient client, string target) =>
        client.SendAsync($$"""{"type":"offer","target":"{{target}}","payload":1}""");

    private static (string?, string?, bool) Match(JsonElement message) => (
        message.GetProperty("peerCode").GetString(), message.GetProperty("peerPublicKey").GetString(), message.GetProperty("isInitiator").GetBoolean());

    // At the requester's relay, and at the target's.
    private static (int Remote, int Pending) Open(RelayCluster cluster) => (
        cluster[0].Get<RemoteRequests>().Count,
        cluster[1].Get<PendingRequests>().Count(RequestKind.Pair) + cluster[1].Get<PendingRequests>().Count(RequestKind.Link));
}
