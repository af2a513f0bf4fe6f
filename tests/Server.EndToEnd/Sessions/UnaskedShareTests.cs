using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;
using Relay.Sessions;
using Relay.Signaling;
using Relay.Telemetry;

namespace Relay.EndToEnd.Sessions;

/// <summary>Nobody closes somebody else: what others send to a receiver that does not read has a share, and their senders hear of it.</summary>
public sealed class UnaskedShareTests
{
    private const string Attacker = "127.0.0.2";
    private const string Honest = "127.0.0.9";

    // In the reference network what waited for a slow receiver had no bound; in 0.1.0 it was closed.
    [Fact]
    public async Task Flood_FromManyAddresses_NeitherClosesTheReceiverNorStopsItsReading()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(
            settings =>
            {
                StalledReceiver.Configure(settings);
                settings.Sessions.SilenceTimeout = TimeSpan.FromDays(1);
            },
            time);
        await using var receiver = await StalledReceiver.RegisterAsync(server);
        for (var i = 0; i < 6; i++)
        {
            await using var attacker = await TestClient.RegisterAsync(server, $"AAAAA{"ABCDEF"[i]}", $"127.0.0.{i + 2}");
            await StalledReceiver.FloodAsync(attacker);
        }

        var session = server.Get<SessionTable>().All.Single(session => session.Queued.Messages > 0);
        Assert.InRange(session.Queued.Bytes, 1, server.Settings.Sessions.QueueBytes / 2);

        // It has asked for nothing: only its silence would end it.
        for (var i = 0; i < 60; i++)
        {
            time.Advance(Heartbeat.Interval);
        }

        // One message of somebody new always fits; what the receiver asks for itself is answered beside all that.
        await using var honest = await TestClient.RegisterAsync(server, "HHHHHH", Honest);
        await honest.SendAsync(StalledReceiver.Offer("hello"));
        await honest.ExpectNothingAsync();
        await receiver.Socket.WriteTextFrameAsync("""{"type":"ping"}""");
        await receiver.ReadUntilAsync("\"payload\":\"hello\"");
        await receiver.ReadUntilAsync("pong");
        Assert.False(session.IsClosing);

        // The share is free again.
        await honest.SendAsync(StalledReceiver.Offer("again"));
        await receiver.ReadUntilAsync("\"payload\":\"again\"");
        await Eventually.TrueAsync(() => server.Get<RelayMetrics>().Queued == 0, "nothing queued");
    }

    /// <summary>What each sender hears, when too much of its address waits already, is what it would hear of an absent target.</summary>
    [Theory]
    [InlineData("""{"type":"offer","target":"PPPPPP","payload":1}""", StalledReceiver.Busy)]
    [InlineData("""{"type":"answer","target":"PPPPPP","payload":1}""", StalledReceiver.Busy)]
    [InlineData("""{"type":"ice_candidate","target":"PPPPPP","payload":1}""", StalledReceiver.Busy)]
    [InlineData("""{"type":"call_hangup","target":"PPPPPP","payload":{"callId":"0b9f2d6e-7c1a-4f3e-9a5b-1234567890ab"}}""", StalledReceiver.Busy)]
    [InlineData("""{"type":"pair_request","targetCode":"PPPPPP"}""", """{"type":"pair_error","error":"Pair request could not be processed"}""")]
    [InlineData("""{"type":"link_request","linkCode":"PPPPPP","publicKey":"KEY"}""", """{"type":"link_error","error":"Link request could not be processed"}""")]
    public async Task Message_OverTheShare_IsRefused(string message, string expected)
    {
        await using var server = await RelayServer.StartAsync(StalledReceiver.Configure, new FakeTimeProvider(DateTimeOffset.UtcNow));
        await using var receiver = await StalledReceiver.RegisterAsync(server);
        await using var attacker = await TestClient.RegisterAsync(server, "AAAAAA", Attacker);
        await StalledReceiver.FillAsync(attacker);
        await attacker.SendAsync(message.Replace("KEY", TestClient.Key("AAAAAA"), StringComparison.Ordinal));
        Assert.Equal(expected, await attacker.ReceiveTextAsync());
        Assert.Equal((0, 0), (server.Get<PendingRequests>().Count(RequestKind.Pair), server.Get<PendingRequests>().Count(RequestKind.Link)));

        // Not so another address's.
        await using var honest = await TestClient.RegisterAsync(server, "HHHHHH", Honest);
        await honest.SendAsync(message.Replace("KEY", TestClient.Key("HHHHHH"), StringComparison.Ordinal));
        await honest.ExpectNothingAsync();
    }

    [Fact]
    public async Task MessageThatItsSenderNeverHearsOf_OverTheShare_IsDroppedAndCounted()
    {
        await using var server = await RelayServer.StartAsync(StalledReceiver.Configure, new FakeTimeProvider(DateTimeOffset.UtcNow));
        await using var receiver = await StalledReceiver.RegisterAsync(server);
        await receiver.Socket.WriteTextFrameAsync("""{"type":"register_rendezvous","peerId":"PPPPPP","relayId":"","hourlyTokens":["t"]}""");
        Assert.Contains("rendezvous_result", await receiver.Socket.ReadTextAsync(), StringComparison.Ordinal);
        await using var attacker = await TestClient.RegisterAsync(server, "AAAAAA", Attacker);
        await StalledReceiver.FillAsync(attacker);

        var dropped = server.Get<RelayMetrics>().Dropped;
        await attacker.SendAsync("""{"type":"register_rendezvous","peerId":"AAAAAA","relayId":"","hourlyTokens":["t"]}""");
        var result = await attacker.ExpectAsync("rendezvous_result");
        Assert.Equal("PPPPPP", result.GetProperty("liveMatches")[0].GetProperty("peerId").GetString());
        await attacker.ExpectNothingAsync();
        Assert.Equal(dropped + 1, server.Get<RelayMetrics>().Dropped);
        Assert.Equal(dropped + 1, (await server.Admin.GetStatsAsync(new AdminApi.GetStatsRequest(), cancellationToken: TestContext.Current.CancellationToken)).Traffic.DroppedTotal);
    }

    /// <summary>A request whose turn comes while too much of its address waits for the phone ends, and the next one is shown.</summary>
    [Fact]
    public async Task LinkRequest_WhoseTurnComesOverTheShare_EndsAndTheNextIsShown()
    {
        await using var server = await RelayServer.StartAsync(StalledReceiver.Configure, new FakeTimeProvider(DateTimeOffset.UtcNow));
        await using var receiver = await StalledReceiver.RegisterAsync(server);
        await using var first = await TestClient.RegisterAsync(server, "BBBBBB", "127.0.0.3");
        await using var attacker = await TestClient.RegisterAsync(server, "AAAAAA", Attacker);
        await using var honest = await TestClient.RegisterAsync(server, "HHHHHH", Honest);
        foreach (var browser in new[] { first, attacker, honest })
        {
            await browser.SendAsync($$"""{"type":"link_request","linkCode":"PPPPPP","publicKey":"{{TestClient.Key("B")}}","deviceName":"{{(browser == honest ? "honest" : "other")}}"}""");
            await browser.ExpectNothingAsync();
        }

        await StalledReceiver.FillAsync(attacker);
        await first.CloseAsync();
        Assert.Equal("PPPPPP", (await attacker.ExpectAsync("link_timeout")).GetProperty("linkCode").GetString());
        await receiver.ReadUntilAsync("\"deviceName\":\"honest\"");
        await receiver.Socket.WriteTextFrameAsync("""{"type":"link_response","linkCode":"PPPPPP","accepted":true}""");
        await honest.ExpectAsync("link_matched");
    }

    /// <summary>0.1.0 wrote six bytes for each of these, so that the echo was too much for its own sender.</summary>
    [Fact]
    public async Task UnknownType_OfManyCharacters_IsEchoedInPart()
    {
        await using var server = await RelayServer.StartAsync(StalledReceiver.Configure);
        await using var client = await TestClient.ConnectAsync(server);
        await client.SendAsync($$"""{"type":"{{new string('\u007f', 200_000)}}"}""");
        await client.ExpectErrorAsync($"Unknown message type: {new string('\u007f', 128)}");
        await client.ExpectNothingAsync();
    }
}
