using System.Net.WebSockets;
using System.Text.Json;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Chunks;

/// <summary>Many sockets at once, a cache of one chunk and sources that come and go.</summary>
[Trait("Clients", "Spread")]
public sealed class ChunkTrafficTests
{
    private const int Chunks = 5;

    /// <summary>
    /// However requests, pushes, evictions and leaving cross: a request gets one answer, which is the right chunk or that there
    /// is none, before it at most the word that the chunk is being pulled, and nothing ever after. In the end nothing is left.
    /// </summary>
    [Fact]
    public async Task Requests_SourcesComeAndGo_AreAnsweredOnce()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Chunks.CacheChunks = 1;
            settings.Sessions.MessagesPerMinute = 100_000;
        });
        using var stop = new CancellationTokenSource();
        var sources = Enumerable.Range(0, 2).Select(i => ServeAsync(server, i, stop.Token)).ToList();
        await Eventually.TrueAsync(() => server.Chunks().Known == Chunks, "a source has announced");
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => ReadAsync(server, i)));
        await stop.CancelAsync();
        await Task.WhenAll(sources);

        Assert.True(answers.Sum() > 0, "no chunk was ever served");
        await server.EmptyAsync();
        var counts = server.Chunks();
        Assert.Equal((0, 0, counts.Cached), (counts.Pulls, counts.Sources, counts.Known));
        if (!TestCluster.IsOn)
        {
            // What goes through two relays is counted at each.
            Assert.Equal(answers.Sum(), counts.ServedFromCache + counts.ServedBySource);
        }
    }

    /// <summary>Asks for one chunk after another, and counts those that it gets.</summary>
    private static async Task<int> ReadAsync(RelayServer server, int seed)
    {
        await using var reader = await TestClient.RegisterAsync(server, $"RRRRR{(char)('A' + seed)}");
        var random = new Random(seed);
        var got = 0;
        for (var i = 0; i < 40; i++)
        {
            var chunkId = $"chunk{random.Next(Chunks)}";
            await reader.RequestChunkAsync(chunkId);
            var answer = await reader.ReceiveTextAsync();
            if (answer.Contains("chunk_pulling", StringComparison.Ordinal))
            {
                answer = await reader.ReceiveTextAsync();
            }

            if (answer.Contains("chunk_data", StringComparison.Ordinal))
            {
                Assert.Equal(Content(chunkId), JsonDocument.Parse(answer).RootElement.GetProperty("data").GetString());
                got++;
            }
            else
            {
                Assert.Equal($$"""{"type":"chunk_error","chunkId":"{{chunkId}}","error":"No source available for chunk"}""", answer);
            }
        }

        await reader.ExpectNothingAsync();
        return got;
    }

    /// <summary>Has all chunks and pushes what is pulled; at every fifth pull the socket breaks and another one takes its place.</summary>
    private static async Task ServeAsync(RelayServer server, int seed, CancellationToken stop)
    {
        for (var life = 0; !stop.IsCancellationRequested; life++)
        {
            await using var source = await TestClient.RegisterAsync(
                server, $"SSS{(char)('A' + seed)}{(char)('A' + (life / 8 % 8))}{(char)('A' + (life % 8))}");
            await source.AnnounceAsync(null, [.. Enumerable.Range(0, Chunks).Select(i => $"chunk{i}")]);
            using var stopped = stop.Register(source.Socket.Abort);
            try
            {
                for (var pulls = 0; pulls < 5;)
                {
                    var message = JsonDocument.Parse(await source.ReceiveTextAsync()).RootElement;
                    if (message.GetProperty("type").GetString() == "chunk_pull" && ++pulls < 5)
                    {
                        var chunkId = message.GetProperty("chunkId").GetString()!;
                        await source.PushChunkAsync(chunkId, $"\"{Content(chunkId)}\"");
                    }
                }

                source.Socket.Abort();
            }
            catch (Exception exception) when (
                stop.IsCancellationRequested && exception is WebSocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Stopped in the middle of a word.
            }
        }
    }

    private static string Content(string chunkId) => $"the content of {chunkId}";
}
