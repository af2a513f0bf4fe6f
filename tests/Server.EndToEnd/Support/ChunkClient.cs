using Relay.Chunks;

namespace Relay.EndToEnd.Support;

/// <summary>What those who have chunks and those who want them say, and what they hear of it.</summary>
internal static class ChunkClient
{
    /// <summary>
    /// What the relay counts; with <see cref="TestCluster.IsOn"/> all relays together, and of the chunks that are known and kept what the one counts that
    /// knows most: several may know the same.
    /// </summary>
    public static ChunkCounts Chunks(this RelayServer server) => server.All.Select(relay => relay.Get<ChunkTable>().Counts()).Aggregate((sum, counts) => new ChunkCounts(
        Math.Max(sum.Cached, counts.Cached),
        Math.Max(sum.CachedBytes, counts.CachedBytes),
        Math.Max(sum.Known, counts.Known),
        sum.Sources + counts.Sources,
        sum.Pulls + counts.Pulls,
        sum.ServedFromCache + counts.ServedFromCache,
        sum.ServedBySource + counts.ServedBySource));

    /// <summary>Announces chunks, of a channel if one is given.</summary>
    public static async Task AnnounceAsync(this TestClient client, string? channelId, params string[] chunkIds)
    {
        var channel = channelId is null ? "" : $"\"channelId\":\"{channelId}\",";
        var chunks = string.Join(',', chunkIds.Select(chunkId => $$"""{"chunkId":"{{chunkId}}","routingHash":"hash"}"""));
        await client.SendAsync($$"""{"type":"chunk_announce",{{channel}}"chunks":[{{chunks}}]}""");
        Assert.Equal($$"""{"type":"chunk_announce_ack","registered":{{chunkIds.Length}}}""", await client.ReceiveTextAsync());
    }

    public static Task RequestChunkAsync(this TestClient client, string chunkId, string channelId = "news") =>
        client.SendAsync($$"""{"type":"chunk_request","chunkId":"{{chunkId}}","channelId":"{{channelId}}"}""");

    public static Task PushChunkAsync(this TestClient client, string chunkId, string data, string channelId = "news") =>
        client.SendAsync($$"""{"type":"chunk_push","chunkId":"{{chunkId}}","data":{{data}},"channelId":"{{channelId}}"}""");

    /// <summary>Pushes and is thanked.</summary>
    public static async Task PushedAsync(this TestClient client, string chunkId, string data, string channelId = "news", int served = 0)
    {
        await client.PushChunkAsync(chunkId, data, channelId);
        await client.ExpectPushAckAsync(chunkId, served);
    }

    public static async Task ExpectPushAckAsync(this TestClient client, string chunkId, int served = 0, bool cached = true) => Assert.Equal(
        $$"""{"type":"chunk_push_ack","chunkId":"{{chunkId}}","cached":{{(cached ? "true" : "false")}},"servedCount":{{served}}}""",
        await client.ReceiveTextAsync());

    /// <summary>Requests a chunk that has to be pulled.</summary>
    public static async Task WaitForChunkAsync(this TestClient client, string chunkId, string channelId = "news")
    {
        await client.RequestChunkAsync(chunkId, channelId);
        Assert.Equal($$"""{"type":"chunk_pulling","chunkId":"{{chunkId}}"}""", await client.ReceiveTextAsync());
    }

    public static async Task ExpectPullAsync(this TestClient client, string chunkId, string channelId = "news") => Assert.Equal(
        $$"""{"type":"chunk_pull","chunkId":"{{chunkId}}","channelId":"{{channelId}}"}""", await client.ReceiveTextAsync());

    public static async Task ExpectChunkAsync(this TestClient client, string chunkId, string data, string source, string channelId = "news") =>
        Assert.Equal(
            $$"""{"type":"chunk_data","chunkId":"{{chunkId}}","channelId":"{{channelId}}","data":{{data}},"source":"{{source}}"}""",
            await client.ReceiveTextAsync());

    /// <summary>Requests a chunk that is kept.</summary>
    public static async Task ExpectCachedAsync(this TestClient client, string chunkId, string data, string channelId = "news")
    {
        await client.RequestChunkAsync(chunkId, channelId);
        await client.ExpectChunkAsync(chunkId, data, "cache", channelId);
    }

    public static async Task ExpectChunkErrorAsync(this TestClient client, string chunkId, string error = "No source available for chunk") =>
        Assert.Equal($$"""{"type":"chunk_error","chunkId":"{{chunkId}}","error":"{{error}}"}""", await client.ReceiveTextAsync());

    public static async Task ExpectAvailableAsync(this TestClient client, string channelId, params string[] chunkIds) => Assert.Equal(
        $$"""{"type":"chunk_available","channelId":"{{channelId}}","chunkIds":[{{string.Join(',', chunkIds.Select(chunkId => $"\"{chunkId}\""))}}]}""",
        await client.ReceiveTextAsync());
}
