using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Protocol;
using Relay.Signaling;

namespace Relay.EndToEnd.Signaling;

/// <summary>pair_request and pair_response (docs/protocol.md, Pairing), and what is forwarded between the two.</summary>
[Trait("Clients", "Spread")]
public sealed class PairingTests
{
    private const string NotPossible = "Pair request could not be processed";

    [Fact]
    public async Task Pair_Accepted_BothLearnTheOthersKey()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");

        await RequestAsync(a, "BBBBBB", """,  "proposedName":" Ann " """);
        var incoming = await b.ExpectAsync("pair_incoming");
        Assert.Equal(("AAAAAA", TestClient.Key("AAAAAA"), 120_000L, "Ann"), (
            incoming.GetProperty("fromCode").GetString(), incoming.GetProperty("fromPublicKey").GetString(),
            incoming.GetProperty("expiresIn").GetInt64(), incoming.GetProperty("proposedName").GetString()));
        await a.ExpectNothingAsync();

        await RespondAsync(b, "AAAAAA", accepted: true);
        Assert.Equal(("BBBBBB", TestClient.Key("BBBBBB"), true), Match(await a.ExpectAsync("pair_matched")));
        Assert.Equal(("AAAAAA", TestClient.Key("AAAAAA"), false), Match(await b.ExpectAsync("pair_matched")));
    }

    [Fact]
    public async Task Pair_Rejected_OnlyTheRequesterIsTold()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");
        await RespondAsync(b, "AAAAAA", accepted: false);
        Assert.Equal("BBBBBB", (await a.ExpectAsync("pair_rejected")).GetProperty("peerCode").GetString());
        await b.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("", "error", "Missing required field: targetCode")]
    [InlineData("abc", "error", "Invalid target code format")]
    [InlineData("BBBBB0", "error", "Invalid target code format")]
    [InlineData("AAAAAA", "pair_error", NotPossible)]
    [InlineData("ZZZZZZ", "pair_error", NotPossible)]
    public async Task Request_NotPossible_IsToldWhyAndNoMore(string target, string type, string text)
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await RequestAsync(a, target);
        Assert.Equal(text, (await a.ExpectAsync(type)).GetProperty(type == "error" ? "message" : "error").GetString());
    }

    [Fact]
    public async Task RequestOrResponse_NotRegistered_IsAnError()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.ConnectAsync(server);
        await RequestAsync(a, "BBBBBB");
        await a.ExpectErrorAsync("Not registered. Send register message first.");
        await RespondAsync(a, "BBBBBB", accepted: true);
        await a.ExpectErrorAsync("Not registered. Send register message first.");
    }

    [Fact]
    public async Task Response_NothingAsked_IsAPairError()
    {
        await using var server = await RelayServer.StartAsync();
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await RespondAsync(b, "AAAAAA", accepted: true);
        Assert.Equal("No pending request from this peer", (await b.ExpectAsync("pair_error")).GetProperty("error").GetString());
        await RespondAsync(b, "nonsense", accepted: true);
        await b.ExpectErrorAsync("Invalid target code format");
    }

    [Fact]
    public async Task Request_NobodyAnswers_WarnsBothThenTellsTheRequester()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.SilenceTimeout = TimeSpan.FromHours(1), time);
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");
        await server.SettleAsync();

        time.Advance(TimeSpan.FromSeconds(89));
        await a.ExpectNothingAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        foreach (var (client, peer) in new[] { (a, "BBBBBB"), (b, "AAAAAA") })
        {
            var warning = await client.ExpectAsync("pair_expiring");
            Assert.Equal((peer, 30), (warning.GetProperty("peerCode").GetString(), warning.GetProperty("remainingSeconds").GetInt32()));
        }

        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("BBBBBB", (await a.ExpectAsync("pair_timeout")).GetProperty("peerCode").GetString());
        await b.ExpectNothingAsync();
        Assert.Equal(0, server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Pair)));
    }

    [Fact]
    public async Task Request_Repeated_LivesAnewAndTheEarlierEndsInSilence()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.SilenceTimeout = TimeSpan.FromHours(1), time);
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");
        await server.SettleAsync();

        time.Advance(TimeSpan.FromSeconds(89));
        await RequestAsync(a, "BBBBBB", ",\"proposedName\":\"Second\"");
        Assert.Equal("Second", (await b.ExpectAsync("pair_incoming")).GetProperty("proposedName").GetString());
        await server.SettleAsync();
        time.Advance(TimeSpan.FromSeconds(89));
        await a.ExpectNothingAsync();
        await b.ExpectNothingAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("""{"type":"pair_expiring","peerCode":"BBBBBB","remainingSeconds":30}""", await a.ReceiveTextAsync());
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("""{"type":"pair_timeout","peerCode":"BBBBBB"}""", await a.ReceiveTextAsync());
        await a.ExpectNothingAsync();
    }

    [Fact]
    public async Task Request_ThenANewKey_IsAnsweredWithTheKeyThatItWasMadeWith()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");
        foreach (var (client, code) in new[] { (a, "AAAAAA"), (b, "BBBBBB") })
        {
            await client.SendAsync($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{TestClient.Key("new")}}"}""");
            await client.ExpectAsync("registered");
        }

        await RespondAsync(b, "AAAAAA", accepted: true);

        Assert.Equal(("BBBBBB", TestClient.Key("new"), true), Match(await a.ExpectAsync("pair_matched")));
        Assert.Equal(("AAAAAA", TestClient.Key("AAAAAA"), false), Match(await b.ExpectAsync("pair_matched")));
    }

    // In the reference network a requester whose target had left waited for ever.
    [Fact]
    public async Task Target_Leaves_RequesterIsToldAtOnce()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");
        await b.CloseAsync();
        await a.ExpectAsync("pair_timeout");
        Assert.Equal(0, server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Pair)));
    }

    // In the reference network the later answer was told to be a match.
    [Fact]
    public async Task Requester_Leaves_LaterAnswerIsAPairError()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(a, "BBBBBB");
        await b.ExpectAsync("pair_incoming");
        await a.CloseAsync();
        await Eventually.TrueAsync(() => server.Sum<ClientDirectory>(clients => clients.Counts().Codes) == 1, "requester gone");
        await Eventually.TrueAsync(() => server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Pair)) == 0, "the request is gone");
        await b.ExpectNothingAsync();
        await RespondAsync(b, "AAAAAA", accepted: true);
        await b.ExpectAsync("pair_error");
    }

    [Theory]
    [InlineData("""{"n":1.50,"big":1e400,"neg":-0}""")]
    [InlineData("""{ "spaced" : [ 1 , 2 ] }""")]
    [InlineData("\"\\u00e4 \\/ + < > & ' \\ud83d\\ude00\"")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("12345678901234567890.10")]
    public async Task Forward_AnyPayload_ArrivesByteForByte(string payload)
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        foreach (var type in new[] { "offer", "answer", "ice_candidate" })
        {
            await a.SendAsync($$"""{"type":"{{type}}","payload":{{payload}},"target":"BBBBBB"}""");
            Assert.Equal($$"""{"type":"{{type}}","from":"AAAAAA","payload":{{payload}}}""", await b.ReceiveTextAsync());
        }

        // It comes from the code, also of a socket that has a peer id.
        await a.SendAsync("""{"type":"register","peerId":"a"}""");
        await a.ExpectAsync("registered");
        await a.SendAsync("""{"type":"offer","target":"BBBBBB"}""");
        Assert.Equal("""{"type":"offer","from":"AAAAAA"}""", await b.ReceiveTextAsync());
    }

    // In the reference network order was not guaranteed.
    [Fact]
    public async Task Forward_AThousandMessages_KeepTheirOrder()
    {
        // What may be on its way to other relays at a time.
        var window = TestCluster.IsOn ? RemoteForwards.MaxInFlight : 1000;
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Sessions.MessagesPerMinute = 2_000;
            settings.Sessions.QueueMessages = 2_000;
        });
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        for (var i = 0; i < 1000; i++)
        {
            await a.SendAsync($$"""{"type":"ice_candidate","target":"BBBBBB","payload":{{i}}}""");
            if (i % window == window - 1)
            {
                await ExpectAsync(i + 1 - window, window);
                await server.SettleAsync();
            }
        }

        await ExpectAsync(1000 / window * window, 1000 % window);

        async Task ExpectAsync(int first, int count)
        {
            for (var i = first; i < first + count; i++)
            {
                Assert.Equal(i, (await b.ExpectAsync("ice_candidate")).GetProperty("payload").GetInt32());
            }
        }
    }

    /// <summary>What is sent to it now would never be written.</summary>
    [Fact]
    public async Task Forward_TargetIsBeingClosed_IsNotFound()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");

        // Its half of the close does not come.
        await using var b = await RawWebSocket.OpenAsync(server);
        await b.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"BBBBBB","publicKey":"{{TestClient.Key("BBBBBB")}}"}""");
        Assert.Contains("registered", await b.ReadTextAsync(), StringComparison.Ordinal);
        Assert.True(server.Get<ClientDirectory>().TryFindCode("BBBBBB", out var client));
        client.Session.Close(CloseReason.Shutdown);

        await a.SendAsync("""{"type":"offer","target":"BBBBBB","payload":1}""");

        await a.ExpectErrorAsync("Peer not found: BBBBBB");
    }

    [Theory]
    [InlineData("", "Missing required field: target")]
    [InlineData("abc", "Invalid target code format")]
    [InlineData("ZZZZZZ", "Peer not found: ZZZZZZ")]
    public async Task Forward_NotPossible_IsAnError(string target, string text)
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.ConnectAsync(server);
        await a.SendAsync("""{"type":"offer","target":""}""");
        await a.ExpectErrorAsync("Not registered. Send register message first.");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await b.SendAsync($$"""{"type":"offer","target":"{{target}}"}""");
        await b.ExpectErrorAsync(text);
    }

    private static Task RequestAsync(TestClient client, string target, string more = "") =>
        client.SendAsync($$"""{"type":"pair_request","targetCode":"{{target}}"{{more}}}""");

    private static Task RespondAsync(TestClient client, string requester, bool accepted) =>
        client.SendAsync($$"""{"type":"pair_response","targetCode":"{{requester}}","accepted":{{(accepted ? "true" : "false")}}}""");

    private static (string?, string?, bool) Match(JsonElement matched) => (
        matched.GetProperty("peerCode").GetString(),
        matched.GetProperty("peerPublicKey").GetString(),
        matched.GetProperty("isInitiator").GetBoolean());
}
