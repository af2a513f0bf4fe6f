using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Sessions;

/// <summary>Clients that ask for much at once, and read it.</summary>
public sealed class SlowConsumerTests
{
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
