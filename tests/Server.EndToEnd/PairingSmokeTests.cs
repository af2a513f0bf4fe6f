using Relay.EndToEnd.Support;

namespace Relay.EndToEnd;

public sealed class PairingSmokeTests
{
    [Fact]
    public async Task Pair_TwoClients_ExchangeOfferAndAnswer()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");

        await a.SendAsync("""{"type":"pair_request","targetCode":"BBBBBB","proposedName":" Ann "}""");
        var incoming = await b.ExpectAsync("pair_incoming");
        Assert.Equal("Ann", incoming.GetProperty("proposedName").GetString());
        Assert.Equal(120_000, incoming.GetProperty("expiresIn").GetInt64());
        await b.SendAsync("""{"type":"pair_response","targetCode":"AAAAAA","accepted":true}""");
        Assert.True((await a.ExpectAsync("pair_matched")).GetProperty("isInitiator").GetBoolean());
        await b.ExpectAsync("pair_matched");

        await a.SendAsync("""{"type":"offer","target":"BBBBBB","payload":{"n":1.50, "t":"\u00e4+/"}}""");
        Assert.Equal("""{"type":"offer","from":"AAAAAA","payload":{"n":1.50, "t":"\u00e4+/"}}""", await b.ReceiveTextAsync());
        await a.CloseAsync();
    }
}
