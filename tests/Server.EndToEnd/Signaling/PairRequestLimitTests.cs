using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;
using Relay.Signaling;

namespace Relay.EndToEnd.Signaling;

/// <summary>How many may ask to pair or to be linked, and how often (docs/protocol.md, Pairing, Linking a browser).</summary>
[Trait("Clients", "Spread")]
public sealed class PairRequestLimitTests
{
    private const string RateOfAddress = "each counts the requests of an address";

    [Fact]
    public async Task Requests_TenWaitForOneTarget_TheNextIsRefusedAndARepeatIsNot()
    {
        await using var server = await RelayServer.StartAsync();
        await using var target = await TestClient.RegisterAsync(server, "TTTTTT");
        var clients = new List<TestClient>();
        for (var i = 0; i < 11; i++)
        {
            clients.Add(await TestClient.RegisterAsync(server, "AAAAA" + (char)('A' + (i < 8 ? i : i + 1))));
            await RequestAsync(clients[i], "TTTTTT");
            if (i < 10)
            {
                await target.ExpectAsync("pair_incoming");
            }
        }

        await clients[10].ExpectAsync("pair_error");
        await RequestAsync(clients[0], "TTTTTT");
        await target.ExpectAsync("pair_incoming");
        Assert.Equal(10, server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Pair)));
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        await Eventually.TrueAsync(() => server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Pair)) == 0, "no pending requests");
    }

    // In the reference network a new socket was a new chance to guess codes.
    [Fact]
    public async Task Requests_MoreThanTheRates_AreRefusedPerSocketAndPerAddress()
    {
        TestCluster.SkipWhereSpread(RateOfAddress);
        await using var server = await RelayServer.StartAsync();
        for (var socket = 0; socket < 3; socket++)
        {
            await using var client = await TestClient.RegisterAsync(server, "AAAAA" + (char)('A' + socket));
            for (var i = 0; i < 10; i++)
            {
                await RequestAsync(client, "ZZZZZZ");
                await client.ExpectAsync("pair_error");
            }

            await RequestAsync(client, "ZZZZZZ");
            await client.ExpectErrorAsync("Too many pair requests. Please slow down.");
        }

        // Thirty from this address: a new socket is no new chance, another address is.
        await using var again = await TestClient.RegisterAsync(server, "DDDDDD");
        await RequestAsync(again, "ZZZZZZ");
        await again.ExpectErrorAsync("Too many pair requests. Please slow down.");
        await using var elsewhere = await TestClient.RegisterAsync(server, "EEEEEE", from: "127.0.0.2");
        await RequestAsync(elsewhere, "ZZZZZZ");
        await elsewhere.ExpectAsync("pair_error");

        // The rate comes before all other checks.
        await using var stranger = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        for (var i = 0; i < 10; i++)
        {
            await RequestAsync(stranger, "");
            await stranger.ExpectErrorAsync("Not registered. Send register message first.");
        }

        await RequestAsync(stranger, "");
        await stranger.ExpectErrorAsync("Too many pair requests. Please slow down.");
    }

    // A link request tells as well whether a code is there, and asks its holder for more.
    [Fact]
    public async Task LinkRequests_MoreThanTheRateOfTheAddress_AreRefusedLikeAWrongCode()
    {
        TestCluster.SkipWhereSpread(RateOfAddress);
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(time: time);
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var first = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var second = await TestClient.RegisterAsync(server, "BBBBBB");
        for (var guess = 0; guess < 30; guess++)
        {
            await LinkAsync(first, guess % 2 == 0 ? "ZZZZZZ" : "AAAAAA");
            await first.ExpectAsync("link_error");
        }

        // A new socket is no new chance, another address is; and time is.
        await LinkAsync(second, "PPPPPP");
        Assert.Equal("""{"type":"link_error","error":"Link request could not be processed"}""", await second.ReceiveTextAsync());
        await phone.ExpectNothingAsync();
        await using var elsewhere = await TestClient.RegisterAsync(server, "EEEEEE", from: "127.0.0.2");
        await LinkAsync(elsewhere, "PPPPPP");
        await phone.ExpectAsync("link_request");
        await elsewhere.CloseAsync();
        await phone.ExpectAsync("link_timeout");
        time.Advance(TimeSpan.FromSeconds(2));
        await LinkAsync(second, "PPPPPP");
        await phone.ExpectAsync("link_request");
    }

    // In the reference network one address could hold all places of a target, again and again.
    [Fact]
    public async Task Requests_OneAddressHoldsEveryPlace_AnotherAddressGetsOne()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Signaling.PendingPerTarget = 2);
        await using var target = await TestClient.RegisterAsync(server, "TTTTTT");
        await using var first = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var second = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var honest = await TestClient.RegisterAsync(server, "CCCCCC", from: "127.0.0.2");
        await using var third = await TestClient.RegisterAsync(server, "DDDDDD", from: "127.0.0.3");
        foreach (var client in new[] { first, second, honest })
        {
            await RequestAsync(client, "TTTTTT");
            await target.ExpectAsync("pair_incoming");
        }

        // The youngest of the many gave way, and nobody else can be made to.
        Assert.Equal("TTTTTT", (await second.ExpectAsync("pair_timeout")).GetProperty("peerCode").GetString());
        foreach (var late in new[] { second, third })
        {
            await RequestAsync(late, "TTTTTT");
            await late.ExpectAsync("pair_error");
        }

        foreach (var (client, code) in new[] { (first, "AAAAAA"), (honest, "CCCCCC") })
        {
            await target.SendAsync($$"""{"type":"pair_response","targetCode":"{{code}}","accepted":true}""");
            await target.ExpectAsync("pair_matched");
            await client.ExpectAsync("pair_matched");
        }
    }

    private static Task LinkAsync(TestClient client, string target) =>
        client.SendAsync($$"""{"type":"link_request","linkCode":"{{target}}","publicKey":"{{TestClient.Key("browser")}}"}""");

    private static Task RequestAsync(TestClient client, string target) =>
        client.SendAsync($$"""{"type":"pair_request","targetCode":"{{target}}"}""");
}
