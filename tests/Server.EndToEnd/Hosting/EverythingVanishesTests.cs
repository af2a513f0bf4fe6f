using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Relay.Admin;
using Relay.Configuration;
using Relay.EndToEnd.Support;
using Relay.Signaling;

namespace Relay.EndToEnd.Hosting;

/// <summary>Whatever clients have made goes with them, or when its time is over.</summary>
public sealed class EverythingVanishesTests
{
    private const int Bystanders = 10;

    // Everything that the reference network left behind when a client went.
    [Fact]
    public async Task TwoClients_HoldAllThatTheyMayAndVanish_LeaveEveryTableAsItWas()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(Configure, time);
        Assert.All(Tables(server), table => Assert.Equal(0, table.Value));
        var bystanders = new List<TestClient>();
        for (var i = 0; i < Bystanders; i++)
        {
            bystanders.Add(await TestClient.RegisterAsync(server, Bystander(i)));
        }

        var before = Tables(server);
        var (a, b) = (await TestClient.RegisterAsync(server, "AAAAAA"), await TestClient.RegisterAsync(server, "BBBBBB"));
        await HoldAsync(a, "AAAAAA", "BBBBBB", 0);
        await HoldAsync(b, "BBBBBB", "AAAAAA", 1);
        await MatchAsync(a, b);
        await PullAsync(a, "BBBBBB");
        await PullAsync(b, "AAAAAA");
        await FillQueueAsync(server, a);

        // The 200 pulls are each in a channel, where the chunk is another than in every channel.
        Assert.Equal(
            "clients 12, pairing codes 12, peer ids 2, relays 2, pair requests 20, link requests 10, matches 1, daily points 1000, hourly tokens 1000, "
                + "channels 120, owned channels 40, live streams 40, subscriptions 200, upstream messages 60, chunks known 2200, chunks kept 2, chunk sources 2000, chunk pulls 200",
            string.Join(", ", Tables(server).Where(table => table is { Value: > 0, IsMoving: false }).Select(table => $"{table.Name} {table.Value}")));

        a.Socket.Abort();
        b.Socket.Abort();
        await server.LiveIsAsync(Bystanders);
        await Eventually.TrueAsync(() => Tables(server).Except(before).All(table => table.Outlives), "all that goes with its socket is gone");
        foreach (var client in bystanders)
        {
            await client.DisposeAsync();
        }

        await server.EmptyAsync();

        // Daily points, messages for absent owners and kept chunks are meant to outlive their sender.
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromHours(1));
                return Tables(server).All(table => table.Value == 0);
            },
            "what outlives its sender has expired",
            TimeSpan.FromMinutes(1));
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    private static void Configure(RelaySettings settings)
    {
        // Only the caps on what is held are of interest here, not how fast it may be made.
        settings.Sessions.MessagesPerMinute = 1_000_000;
        settings.Sessions.BytesPerSecond = settings.Sessions.BytesBurst = 1 << 30;
        settings.Signaling.PairRequestsPerMinute = settings.Signaling.PairRequestsPerMinutePerIp = 1000;
        settings.Signaling.RequireMatch = true;
    }

    private static async Task HoldAsync(TestClient client, string code, string partner, int number)
    {
        await AskAsync(client, $$"""{"type":"register","peerId":"relay-{{code}}"}""", "registered");
        for (var i = 0; i < Bystanders; i++)
        {
            await client.SendAsync($$"""{"type":"pair_request","targetCode":"{{Bystander(i)}}"}""");
            if (i % 2 == number)
            {
                await client.SendAsync($$"""{"type":"link_request","linkCode":"{{Bystander(i)}}","publicKey":"{{TestClient.Key(code)}}"}""");
            }
        }

        foreach (var name in new[] { code, $"relay-{code}" })
        {
            // The sixth message's rows replace those of the first.
            for (var i = 0; i < 6; i++)
            {
                await AskAsync(
                    client,
                    $$"""{"type":"register_rendezvous","peerId":"{{name}}","dailyPoints":[{{Names($"{name}-{i}", 0, 50)}}],"hourlyTokens":[{{Names($"{name}-{i}", 0, 50)}}],"deadDrop":"letter"}""",
                    "rendezvous_result");
            }
        }

        for (var i = 0; i < 20; i++)
        {
            await AskAsync(client, $$"""{"type":"channel-owner-register","channelId":"{{code}}-{{i}}"}""", "channel-owner-registered");
            await AskAsync(client, $$"""{"type":"stream-start","streamId":"s","channelId":"{{code}}-{{i}}","title":"t"}""", "stream-started");
            await AskAsync(client, $$"""{"type":"channel-subscribe","channelId":"{{partner}}-{{i}}"}""", "channel-subscribed");
        }

        for (var i = 0; i < 80; i++)
        {
            await AskAsync(client, $$"""{"type":"channel-subscribe","channelId":"room-{{i}}"}""", "channel-subscribed");
        }

        for (var i = 0; i < 30; i++)
        {
            await AskAsync(client, ChannelClient.Upstream("room-0", "\"for an absent owner\""), "upstream-ack");
        }

        for (var i = 0; i < 11; i++)
        {
            var chunks = Enumerable.Range(i * 100, 100).Select(n => $$"""{"chunkId":"{{code}}-chunk-{{n}}"}""");
            await AskAsync(client, $$"""{"type":"chunk_announce","peerId":"{{code}}","chunks":[{{string.Join(',', chunks)}}]}""", "chunk_announce_ack");
        }

        await AskAsync(client, $$"""{"type":"chunk_push","chunkId":"{{code}}-chunk-999","channelId":"{{code}}-0","data":"kept"}""", "chunk_push_ack");

        // One more than a socket may have.
        await AskAsync(client, """{"type":"channel-owner-register","channelId":"mine as well"}""", "error");
        await AskAsync(client, """{"type":"channel-subscribe","channelId":"and this"}""", "error");
        await AskAsync(client, ChannelClient.Upstream("room-0", "\"too much\""), "error");
    }

    private static async Task MatchAsync(TestClient a, TestClient b)
    {
        await a.SendAsync("""{"type":"pair_request","targetCode":"BBBBBB"}""");
        await UntilAsync(b, "pair_incoming");
        await AskAsync(b, """{"type":"pair_response","targetCode":"AAAAAA","accepted":true}""", "pair_matched");
        await UntilAsync(a, "pair_matched");
    }

    private static async Task PullAsync(TestClient client, string source)
    {
        // The push in its channel was one more announcement than a socket may have: the oldest of the 1,000 is forgotten.
        for (var i = 101; i <= 200; i++)
        {
            await AskAsync(client, $$"""{"type":"chunk_request","chunkId":"{{source}}-chunk-{{i}}","channelId":"{{source}}-0"}""", "chunk_pulling");
        }
    }

    // B reads no more, and frames go on coming: some wait, the others are lost.
    private static async Task FillQueueAsync(RelayServer server, TestClient a)
    {
        var frame = ChannelClient.Frame("AAAAAA-0", $"\"{new string('x', 60_000)}\"");
        while (server.Get<ServerSnapshot>().Read().Channels.FramesDroppedTotal == 0)
        {
            await a.SendAsync(frame);
        }

        Assert.True(server.Get<ServerSnapshot>().Read().Traffic.QueuedMessages > 0);
    }

    private static IReadOnlyList<Table> Tables(RelayServer server)
    {
        var stats = server.Get<ServerSnapshot>().Read();
        return
        [
            new("clients", stats.Connections.Current),
            new("pairing codes", stats.Connections.Signaling),
            new("peer ids", stats.Connections.Relay),
            new("relays", stats.Relays.Registered),
            new("pair requests", stats.Pairing.PendingRequests),
            new("link requests", stats.Pairing.PendingLinks),
            new("matches", server.Get<MatchTable>().Count),
            new("daily points", stats.Rendezvous.DailyPoints, Outlives: true),
            new("hourly tokens", stats.Rendezvous.HourlyTokens),
            new("channels", stats.Channels.Channels, Outlives: true),
            new("owned channels", stats.Channels.Owned),
            new("live streams", stats.Channels.Live),
            new("subscriptions", stats.Channels.Subscriptions),
            new("upstream messages", stats.Channels.Waiting, Outlives: true),
            new("upstream bytes", stats.Channels.WaitingBytes, Outlives: true, IsMoving: true),
            new("chunks known", stats.Chunks.Known, Outlives: true),
            new("chunks kept", stats.Chunks.Cached, Outlives: true),
            new("chunk bytes", stats.Chunks.CachedBytes, Outlives: true, IsMoving: true),
            new("chunk sources", stats.Chunks.Sources),
            new("chunk pulls", stats.Chunks.Pulls),
            new("outgoing messages", stats.Traffic.QueuedMessages, IsMoving: true),
            new("database queue", stats.Storage.Waiting, IsMoving: true),
        ];
    }

    private static Task AskAsync(TestClient client, string message, string answer) =>
        Task.WhenAll(client.SendAsync(message), UntilAsync(client, answer));

    // Reads over what else comes: pushes to this client, because of the other.
    private static async Task UntilAsync(TestClient client, string type)
    {
        while (true)
        {
            var text = await client.ReceiveTextAsync();
            using var message = JsonDocument.Parse(text);
            var got = message.RootElement.GetProperty("type").GetString();
            if (got == type)
            {
                return;
            }

            Assert.True(got != "error", $"{text} instead of {type}");
        }
    }

    private static string Bystander(int number) => $"ZZZZ{(char)('A' + (number / 4))}{(char)('A' + (number % 4))}";

    private static string Names(string prefix, int from, int count) =>
        string.Join(',', Enumerable.Range(from, count).Select(i => $"\"{prefix}-{i}\""));

    /// <summary>How much is in a table; whether it may stay when its maker leaves, and whether its size is by the way.</summary>
    private sealed record Table(string Name, long Value, bool Outlives = false, bool IsMoving = false);
}
