using Relay.Configuration;

namespace Relay.EndToEnd.Support;

/// <summary>A client with the code PPPPPP that reads nothing for a while, and others that send to it what it has not asked for.</summary>
internal sealed class StalledReceiver(RawWebSocket socket) : IAsyncDisposable
{
    public const string Busy = """{"type":"error","message":"Target is busy","code":"TARGET_BUSY"}""";

    // Larger than a segment of the loopback device: it reads much at the end, and would wait for each window.
    private const int ReceiveBuffer = 256 * 1024;

    public RawWebSocket Socket => socket;

    /// <summary>Clients may send as much as a test needs.</summary>
    public static void Configure(RelaySettings settings) =>
        (settings.Sessions.MessagesPerMinute, settings.Sessions.BytesBurst) = (100_000, 1 << 29);

    public static async Task<StalledReceiver> RegisterAsync(RelayServer server, string? from = null)
    {
        var socket = await RawWebSocket.OpenAsync(server, from: from, receiveBuffer: ReceiveBuffer);
        await socket.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"PPPPPP","publicKey":"{{TestClient.Key("P")}}"}""");
        Assert.Contains("registered", await socket.ReadTextAsync(), StringComparison.Ordinal);
        return new StalledReceiver(socket);
    }

    public static string Offer(string payload) => $$"""{"type":"offer","target":"PPPPPP","payload":"{{payload}}"}""";

    /// <summary>
    /// Sends large offers until they are refused, so that the way to the receiver is full and the sender's share with it, and says how
    /// many went through before.
    /// </summary>
    public static async Task<int> FloodAsync(TestClient sender, int length = 60_000)
    {
        var offer = Offer(new string('x', length));
        for (var i = 0; i < 1000; i++)
        {
            await sender.SendAsync(offer);
            await sender.SendAsync("""{"type":"ping"}""");
            if (await sender.ReceiveTextAsync() is var answer && answer != """{"type":"pong"}""")
            {
                Assert.Equal(Busy, answer);
                await sender.ExpectAsync("pong");
                return i;
            }
        }

        Assert.Fail("nothing was refused");
        return -1;
    }

    /// <summary>Floods until nothing moves any more: on a busy machine the system takes what it has place for later than it said that it is full.</summary>
    public static async Task FillAsync(TestClient sender)
    {
        const int Refusals = 10;
        for (var (round, refused) = (0, 0); refused < Refusals; round++)
        {
            Assert.True(round < 10 * Refusals, "never full");
            refused = await FloodAsync(sender, 250_000) > 0 ? 1 : refused + 1;
        }
    }

    /// <summary>Reads, what was sent meanwhile included, until a message has this text in it.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        string message;
        while (!(message = await socket.ReadTextAsync()).Contains(text, StringComparison.Ordinal))
        {
        }

        return message;
    }

    public ValueTask DisposeAsync() => socket.DisposeAsync();
}
