using Relay.EndToEnd.Support;
using Relay.Sessions;
using Relay.Telemetry;

namespace Relay.EndToEnd.Sessions;

/// <summary>A receiver that does not read loses its own socket, and nobody else notices.</summary>
public sealed class SlowConsumerTests
{
    // In the reference network what waited for a slow receiver had no bound.
    [Fact]
    public async Task Receiver_ThatDoesNotRead_IsClosedAndNobodyElseIs()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Sessions.MessagesPerMinute = 100_000;
            settings.Sessions.BytesBurst = 1 << 30;
        });
        await using var slow = await RawWebSocket.OpenAsync(server);
        await slow.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"AAAAAA","publicKey":"{{TestClient.Key("A")}}"}""");
        Assert.Contains("registered", await slow.ReadTextAsync(), StringComparison.Ordinal);
        await using var sender = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var third = await TestClient.RegisterAsync(server, "CCCCCC");
        var offer = $$"""{"type":"offer","target":"AAAAAA","payload":"{{new string('x', 100_000)}}"}""";

        for (var i = 0; i < 400 && server.Get<SessionTable>().Count == 3; i++)
        {
            await sender.SendAsync(offer);
        }

        await Eventually.TrueAsync(() => server.Get<SessionTable>().Count == 2, "the slow one is closed");
        await server.LiveIsAsync(2);
        await third.ExpectNothingAsync();
        await third.SendAsync("""{"type":"offer","target":"BBBBBB","payload":"still here"}""");
        string text;
        do
        {
            text = await sender.ReceiveTextAsync();
        }
        while (!text.Contains("still here", StringComparison.Ordinal));
        await Eventually.TrueAsync(() => server.Get<RelayMetrics>().Queued == 0, "nothing queued");
    }

    // The answers would fill the queue several times over before the first of them is sent; the client reads them all.
    [Fact]
    public async Task Client_ThatSendsMuchAtOnceAndReads_GetsEveryAnswer()
    {
        const int Count = 2000;
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.MessagesPerMinute = 100_000);
        await using var client = await RawWebSocket.OpenAsync(server);
        var sending = client.WriteAsync(Pings(Count));
        for (var i = 0; i < Count; i++)
        {
            Assert.Equal("""{"type":"pong"}""", await client.ReadTextAsync());
        }

        await sending;
    }

    [Fact]
    public async Task Client_FarOverItsRate_IsToldThatAndNotThatItIsSlow()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await RawWebSocket.OpenAsync(server);
        await client.WriteAsync(Pings(400));
        Assert.Equal((1008, "Rate limit exceeded"), await client.ReadCloseAsync());
    }

    private static byte[] Pings(int count) =>
        [.. Enumerable.Repeat(RawWebSocket.Frame(0x81, """{"type":"ping"}"""u8.ToArray()), count).SelectMany(frame => frame)];
}
