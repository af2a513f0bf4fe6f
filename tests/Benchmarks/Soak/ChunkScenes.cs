namespace Relay.Benchmarks.Soak;

/// <summary>Chunks: announced, pulled through the relay, and served from its cache.</summary>
internal static class ChunkScenes
{
    public static async Task PullAsync(SoakTraffic traffic)
    {
        await using var owner = await SoakClient.RegisterAsync(traffic);
        if (owner is null || await SoakClient.RegisterAsync(traffic) is not { } reader)
        {
            return;
        }

        await using (reader)
        {
            var (channel, chunk) = (traffic.NewName("content"), traffic.NewName("chunk"));
            await owner.SendAsync($$"""{"type":"channel-owner-register","channelId":"{{channel}}"}""");
            await owner.ExpectAsync("channel-owner-registered");
            await reader.SendAsync($$"""{"type":"channel-subscribe","channelId":"{{channel}}"}""");
            await reader.ExpectAsync("channel-subscribed");
            await owner.SendAsync(
                $$"""{"type":"chunk_announce","peerId":"{{owner.Code}}","channelId":"{{channel}}","chunks":[{"chunkId":"{{chunk}}"},{"chunkId":"{{chunk}}-b"}]}""");
            await owner.ExpectAsync("chunk_announce_ack");
            await reader.ExpectAsync("chunk_available");

            await RequestAsync(reader, chunk, channel);
            await owner.ExpectAsync("chunk_pull");
            await reader.ExpectAsync("chunk_pulling");
            switch (traffic.Next(10))
            {
                case 0:
                    await owner.DisposeAsync();
                    await reader.ExpectAsync("chunk_error");
                    return;
                case 1:
                    await reader.DisposeAsync();
                    return;
                case 2 when traffic.Chance(5):
                    // Half a minute later: now and then only, or all workers would soon wait.
                    await reader.ExpectAsync("chunk_error");
                    return;
            }

            await owner.SendAsync($$"""{"type":"chunk_push","chunkId":"{{chunk}}","channelId":"{{channel}}","data":"{{traffic.Text(20_000)}}"}""");
            await owner.ExpectAsync("chunk_push_ack");
            await reader.ExpectAsync("chunk_data");
            await RequestAsync(reader, chunk, channel);
            await reader.ExpectAsync("chunk_data");
        }
    }

    private static Task RequestAsync(SoakClient client, string chunk, string channel) =>
        client.SendAsync($$"""{"type":"chunk_request","chunkId":"{{chunk}}","channelId":"{{channel}}"}""");
}
