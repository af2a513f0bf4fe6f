using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Signaling;

namespace Relay.EndToEnd.Cluster;

/// <summary>Offers, answers, candidates and calls between clients of different relays.</summary>
public sealed class ForwardAcrossRelaysTests
{
    private const string Call = """{"callId":"6f1b9d5e-1c7a-4f5e-9a55-0f6f0c4b2a10","sdp":"v=0"}""";

    [Theory]
    [InlineData("offer", """{"sdp":"v=0","n":[1,2,{"x":null}]}""")]
    [InlineData("answer", "\"text \\ud800\"")]
    [InlineData("ice_candidate", " 1.50 ")]
    [InlineData("call_offer", Call)]
    [InlineData("call_hangup", Call)]
    public async Task Message_OfAnyKind_ArrivesByteForByte(string type, string payload)
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");

        await a.SendAsync($$"""{"type":"{{type}}","target":"BBBBBB","payload":{{payload}}}""");

        Assert.Equal($$"""{"type":"{{type}}","from":"AAAAAA","payload":{{payload.Trim()}}}""", await b.ReceiveTextAsync());
        await a.ExpectNothingAsync();
    }

    [Fact]
    public async Task Offers_ManyBothWays_ComeInOrder()
    {
        const int Count = 1000;
        const int Window = 16;
        await using var cluster = await RelayCluster.StartAsync(configure: settings => settings.Sessions.MessagesPerMinute = 100_000);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        using var window = new SemaphoreSlim(Window);
        using var back = new SemaphoreSlim(Window);

        await Task.WhenAll(SendAsync(a, "BBBBBB", window), SendAsync(b, "AAAAAA", back), ReceiveAsync(a, "BBBBBB", back), ReceiveAsync(b, "AAAAAA", window));

        static async Task SendAsync(TestClient client, string target, SemaphoreSlim window)
        {
            for (var i = 0; i < Count; i++)
            {
                Assert.True(await window.WaitAsync(TestClient.Timeout));
                await client.SendAsync($$"""{"type":"offer","target":"{{target}}","payload":{{i}}}""");
            }
        }

        static async Task ReceiveAsync(TestClient client, string from, SemaphoreSlim window)
        {
            for (var i = 0; i < Count; i++)
            {
                Assert.Equal($$"""{"type":"offer","from":"{{from}}","payload":{{i}}}""", await client.ReceiveTextAsync());
                window.Release();
            }
        }
    }

    [Fact]
    public async Task Target_OfNobodyOrGone_IsNotFound()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await OfferAsync(a, "ZZZZZZ");
        await a.ExpectErrorAsync("Peer not found: ZZZZZZ");

        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await OfferAsync(a, "BBBBBB");
        await b.ExpectAsync("offer");
        await b.CloseAsync();
        await Eventually.TrueAsync(() => cluster[1].Get<Clients.ClientDirectory>().Counts().Codes == 0, "the target has left");

        // Its code is still held.
        await OfferAsync(a, "BBBBBB");
        await a.ExpectErrorAsync("Peer not found: BBBBBB");
        Assert.Equal(0, cluster[0].Get<RemoteForwards>().Count);
    }

    [Fact]
    public async Task Target_MovesToAnotherRelay_IsFoundThere()
    {
        await using var cluster = await RelayCluster.StartAsync(3);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        foreach (var relay in new[] { 1, 2, 0, 1 })
        {
            await using var b = await TestClient.RegisterAsync(cluster[relay], "BBBBBB");
            await OfferAsync(a, "BBBBBB");
            Assert.Equal("""{"type":"offer","from":"AAAAAA","payload":1}""", await b.ReceiveTextAsync());
            await b.CloseAsync();
        }
    }

    [Fact]
    public async Task Target_DoesNotRead_SenderIsToldThatItIsBusy()
    {
        await using var cluster = await RelayCluster.StartAsync(configure: StalledReceiver.Configure);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await StalledReceiver.RegisterAsync(cluster[1]);
        var offer = StalledReceiver.Offer(new string('x', 60_000));
        string answer;
        do
        {
            await a.SendAsync(offer);
            await a.SendAsync("""{"type":"ping"}""");
            answer = await a.ReceiveTextAsync();
        }
        while (answer == """{"type":"pong"}""");

        Assert.Equal(StalledReceiver.Busy, answer);
    }

    [Fact]
    public async Task Nats_IsAway_RelaysServeTheirOwnAndFindEachOtherAfterwards()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await cluster.Nats.KillAsync();
        await Eventually.TrueAsync(() => !cluster[0].Get<Relay.Cluster.ClusterBus>().IsUp && !cluster[1].Get<Relay.Cluster.ClusterBus>().IsUp, "both have noticed");

        await OfferAsync(a, "BBBBBB");
        await a.ExpectErrorAsync("Peer not found: BBBBBB");
        await using var c = await TestClient.RegisterAsync(cluster[0], "CCCCCC");
        await OfferAsync(a, "CCCCCC");
        await c.ExpectAsync("offer");

        await cluster.Nats.RestartAsync();
        await Eventually.TrueAsync(() => cluster[0].Get<Relay.Cluster.ClusterBus>().IsUp && cluster[1].Get<Relay.Cluster.ClusterBus>().IsUp, "both are back");
        await OfferAsync(b, "CCCCCC");
        await c.ExpectAsync("offer");
        await OfferAsync(a, "BBBBBB");
        await b.ExpectAsync("offer");
    }

    [Fact]
    public async Task Nats_WasAway_OfTwoWhoTookACodeTheLaterIsClosed()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await cluster.Nats.KillAsync();
        await Eventually.TrueAsync(() => !cluster[0].Get<Relay.Cluster.ClusterBus>().IsUp && !cluster[1].Get<Relay.Cluster.ClusterBus>().IsUp, "both have noticed");
        await using var first = await TestClient.RegisterAsync(cluster[1], "AAAAAA");
        await using var second = await TestClient.RegisterAsync(cluster[0], "AAAAAA");

        await cluster.Nats.RestartAsync();
        await Eventually.TrueAsync(
            () => cluster[0].Get<Relay.Cluster.ClusterBus>().IsUp && cluster[1].Get<Relay.Cluster.ClusterBus>().IsUp, "both are back", TimeSpan.FromSeconds(30));

        await Eventually.TrueAsync(() => Array.TrueForAll([0, 1], node => cluster[node].Get<ClusterNameTable>().Count == node), () => Names(cluster));
        Assert.Equal((1012, "Name in use on another server"), await second.ExpectCloseAsync());
        await first.ExpectNothingAsync();
        await using var third = await TestClient.ConnectAsync(cluster[0]);
        await third.RegisterCodeAsync("AAAAAA", TestClient.Key("other"));
        await third.ExpectAsync("code_collision");
    }

    private static string Names(RelayCluster cluster) => string.Join("; ", Enumerable.Range(0, 2).Select(node => FormattableString.Invariant(
        $"relay-{node} has {cluster[node].Live()} clients, {cluster[node].Get<ClusterNameTable>().Count} names, {cluster[node].Get<Relay.Cluster.Questions>().Silent} questions without an answer, messages {cluster[node].Get<Relay.Cluster.ClusterBus>().Counts}")));

    private static Task OfferAsync(TestClient client, string target) => client.SendAsync($$"""{"type":"offer","target":"{{target}}","payload":1}""");
}
