namespace Relay.Benchmarks.Soak;

/// <summary>Peers that offer to relay, and meeting points.</summary>
internal static class MeetingScenes
{
    public static async Task RelayAsync(SoakTraffic traffic)
    {
        if (await SoakClient.ConnectAsync(traffic) is not { } relay)
        {
            return;
        }

        await using (relay)
        {
            var name = traffic.NewName("relay");
            await relay.SendAsync($$"""{"type":"register","peerId":"{{name}}","maxConnections":20,"publicKey":"{{SoakTraffic.Key}}"}""");
            await relay.ExpectAsync("registered");
            for (var turns = traffic.Next(5); turns > 0; turns--)
            {
                await relay.SendAsync($$"""{"type":"update_load","peerId":"{{name}}","connectedCount":{{traffic.Next(21)}}}""");
                await relay.ExpectAsync("load_updated");
                await relay.SendAsync($$"""{"type":"get_relays","peerId":"{{name}}","count":{{1 + traffic.Next(100)}}}""");
                await relay.ExpectAsync("relays");
                await relay.SendAsync($$"""{"type":"heartbeat","peerId":"{{name}}"}""");
                await relay.ExpectAsync("heartbeat_ack");
            }
        }
    }

    public static async Task RendezvousAsync(SoakTraffic traffic)
    {
        await using var first = await SoakClient.RegisterAsync(traffic);
        if (first is null || await SoakClient.RegisterAsync(traffic) is not { } second)
        {
            return;
        }

        await using (second)
        {
            var (point, token) = (traffic.NewName("point"), traffic.NewName("token"));
            await first.SendAsync(
                $$$"""{"type":"register_rendezvous","peerId":"{{{first.Code}}}","relayId":"","dailyPoints":["{{{point}}}","{{{traffic.NewName("lonely")}}}"],"hourlyTokens":["{{{token}}}"],"deadDrops":{"{{{point}}}":"{{{traffic.Text(4000)}}}"}}""");
            await first.ExpectAsync("rendezvous_result");
            var stays = traffic.Chance(80);
            if (!stays)
            {
                await first.DisposeAsync();
            }

            await second.SendAsync(
                $$"""{"type":"register_rendezvous","peerId":"{{second.Code}}","relayId":"","daily_points":["{{point}}"],"hourly_tokens":["{{token}}"]}""");
            var result = await second.ExpectAsync("rendezvous_result");
            if (result.GetProperty("deadDrops").GetArrayLength() != 1)
            {
                throw new SoakFailure($"a dead drop was lost: {result}");
            }

            if (stays)
            {
                await first.ExpectAsync("rendezvous_match");
            }
        }
    }
}
