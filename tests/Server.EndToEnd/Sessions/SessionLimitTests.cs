using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;
using Relay.Sessions;

namespace Relay.EndToEnd.Sessions;

/// <summary>What a session may take in time.</summary>
public sealed class SessionLimitTests
{
    [Theory]
    [InlineData(60, 75, 1001, "Heartbeat timeout")]
    [InlineData(0, 75, 1001, "Heartbeat timeout")]
    public async Task Silence_OfARegisteredSocket_ClosesAfter75Seconds(int registration, int seconds, int code, string reason)
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(
            settings => settings.Sessions.RegistrationTimeout = TimeSpan.FromSeconds(registration), time);
        await using var client = await RawWebSocket.OpenAsync(server);
        await client.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"AAAAAA","publicKey":"{{TestClient.Key("A")}}"}""");
        Assert.Contains("registered", await client.ReadTextAsync(), StringComparison.Ordinal);

        Advance(time, 30);
        Assert.Equal(9, (await client.ReadFrameAsync()).Opcode);
        Advance(time, seconds - 30);

        Assert.Equal((code, reason), await client.ReadCloseAsync());
    }

    // In the reference network a half-open socket held its code for ever, and its owner came back to a code_collision.
    [Fact]
    public async Task Silence_OfAHalfOpenSocket_FreesItsCode()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(time: time);
        await using var halfOpen = await RawWebSocket.OpenAsync(server);
        await halfOpen.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"AAAAAA","publicKey":"{{TestClient.Key("AAAAAA")}}"}""");
        Assert.Contains("registered", await halfOpen.ReadTextAsync(), StringComparison.Ordinal);

        // It reads nothing and answers nothing from here on, not even the close frame.
        Advance(time, 75);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                return server.Get<Clients.ClientDirectory>().Counts().Codes == 0;
            },
            "the code is free");

        await using var back = await TestClient.RegisterAsync(server, "AAAAAA");
        await back.ExpectNothingAsync();
    }

    // In the reference network a socket that was not registered stayed for ever.
    [Fact]
    public async Task Registration_Missing_ClosesAfter60Seconds()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(time: time);
        await using var client = await RawWebSocket.OpenAsync(server);

        Advance(time, 60);

        Assert.Equal((1008, "Registration timeout"), await client.ReadCloseAsync());
    }

    [Fact]
    public async Task Message_NotFinished_ClosesAfter60Seconds()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.RegistrationTimeout = TimeSpan.Zero, time);
        await using var client = await RawWebSocket.OpenAsync(server);
        await client.WriteFrameAsync(0x01, "{"u8.ToArray());
        await Eventually.TrueAsync(() => server.Get<SessionTable>().All.Single().MessageStarted != 0, "the message has begun");

        Advance(time, 61);

        Assert.Equal((1008, "Message timeout"), await client.ReadCloseAsync());
    }

    private static void Advance(FakeTimeProvider time, int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
