namespace Relay.Benchmarks.Soak;

/// <summary>Channels: messages for an owner who is not always there, and streams.</summary>
internal static class ChannelScenes
{
    public static async Task UpstreamAsync(SoakTraffic traffic)
    {
        if (await SoakClient.ConnectAsync(traffic) is not { } subscriber)
        {
            return;
        }

        await using (subscriber)
        {
            var channel = traffic.NewName("upstream");
            await SubscribeAsync(subscriber, channel);
            var messages = 1 + traffic.Next(10);
            for (var i = 0; i < messages; i++)
            {
                await subscriber.SendAsync(
                    $$$"""{"type":"upstream-message","channelId":"{{{channel}}}","message":{"id":{{{i}}},"text":"{{{traffic.Text(500)}}}"},"ephemeralPublicKey":"k"}""");
                await subscriber.ExpectAsync("upstream-ack");
            }

            // Or nobody ever comes for them.
            if (traffic.Chance(70) && await SoakClient.ConnectAsync(traffic) is { } owner)
            {
                await using (owner)
                {
                    await owner.SendAsync($$"""{"type":"channel-owner-register","channelId":"{{channel}}"}""");
                    for (var i = 0; i < messages; i++)
                    {
                        await owner.ExpectAsync("upstream-message");
                    }

                    await owner.ExpectAsync("channel-owner-registered");
                }
            }
        }
    }

    public static async Task StreamAsync(SoakTraffic traffic)
    {
        var subscribers = new List<SoakClient>();
        if (await SoakClient.ConnectAsync(traffic) is not { } owner)
        {
            return;
        }

        try
        {
            var (channel, stream) = (traffic.NewName("stream"), traffic.NewName("s"));
            await owner.SendAsync($$"""{"type":"channel-owner-register","channelId":"{{channel}}"}""");
            await owner.ExpectAsync("channel-owner-registered");
            for (var i = traffic.Next(5); i > 0 && await SoakClient.ConnectAsync(traffic) is { } subscriber; i--)
            {
                subscribers.Add(subscriber);
                await SubscribeAsync(subscriber, channel);
            }

            await owner.SendAsync($$"""{"type":"stream-start","streamId":"{{stream}}","channelId":"{{channel}}","title":"{{traffic.Text(20)}}"}""");
            await owner.ExpectAsync("stream-started");
            for (var frames = traffic.Next(50); frames > 0; frames--)
            {
                await owner.SendAsync($$"""{"type":"stream-frame","streamId":"{{stream}}","channelId":"{{channel}}","frame":"{{traffic.Text(2000)}}"}""");
            }

            if (traffic.Chance(70))
            {
                await owner.SendAsync($$"""{"type":"stream-end","streamId":"{{stream}}","channelId":"{{channel}}"}""");
                await owner.ExpectAsync("stream-ended");
            }
            else
            {
                await owner.DisposeAsync();
            }

            foreach (var subscriber in subscribers)
            {
                await subscriber.ExpectAsync("stream-end");
            }
        }
        finally
        {
            subscribers.Add(owner);
            foreach (var client in subscribers)
            {
                await client.DisposeAsync();
            }
        }
    }

    /// <summary>A subscriber that does not read loses frames, and costs nobody else anything.</summary>
    public static async Task SlowAsync(SoakTraffic traffic)
    {
        await using var owner = await SoakClient.ConnectAsync(traffic);
        if (owner is null || await SoakClient.ConnectAsync(traffic) is not { } slow)
        {
            return;
        }

        await using (slow)
        {
            var channel = traffic.NewName("slow");
            await owner.SendAsync($$"""{"type":"channel-owner-register","channelId":"{{channel}}"}""");
            await owner.ExpectAsync("channel-owner-registered");
            await SubscribeAsync(slow, channel);
            await owner.SendAsync($$"""{"type":"stream-start","streamId":"s","channelId":"{{channel}}","title":""}""");
            await owner.ExpectAsync("stream-started");
            var frame = $$"""{"type":"stream-frame","streamId":"s","channelId":"{{channel}}","frame":"{{new string('x', 60_000)}}"}""";
            for (var frames = 0; frames < 100; frames++)
            {
                await owner.SendAsync(frame);
            }

            await owner.SendAsync("""{"type":"ping"}""");
            await owner.ExpectAsync("pong");
        }
    }

    private static async Task SubscribeAsync(SoakClient client, string channel)
    {
        await client.SendAsync($$"""{"type":"channel-subscribe","channelId":"{{channel}}"}""");
        await client.ExpectAsync("channel-subscribed");
    }
}
