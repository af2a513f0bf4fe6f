namespace Relay.Benchmarks.Soak;

/// <summary>Pairing with all that follows from it, and device linking.</summary>
internal static class SignalingScenes
{
    public static async Task PairAsync(SoakTraffic traffic)
    {
        await using var b = await SoakClient.RegisterAsync(traffic);
        if (b is null || await SoakClient.RegisterAsync(traffic) is not { } a)
        {
            return;
        }

        await using (a)
        {
            await a.SendAsync($$"""{"type":"pair_request","targetCode":"{{b.Code}}","proposedName":"{{traffic.Text(20)}}"}""");
            await b.ExpectAsync("pair_incoming");
            switch (traffic.Next(10))
            {
                case 0:
                    await b.DisposeAsync();
                    await a.ExpectAsync("pair_timeout");
                    return;
                case 1:
                    await a.DisposeAsync();
                    return;
                case 2:
                    await a.ExpectAsync("pair_timeout");
                    return;
                case 3:
                    await b.SendAsync($$"""{"type":"pair_response","targetCode":"{{a.Code}}","accepted":false}""");
                    await a.ExpectAsync("pair_rejected");
                    return;
            }

            await b.SendAsync($$"""{"type":"pair_response","targetCode":"{{a.Code}}","accepted":true}""");
            await a.ExpectAsync("pair_matched");
            await b.ExpectAsync("pair_matched");
            await TalkAsync(traffic, a, b);
        }
    }

    public static async Task LinkAsync(SoakTraffic traffic)
    {
        await using var phone = await SoakClient.RegisterAsync(traffic);
        if (phone is null || await SoakClient.RegisterAsync(traffic) is not { } browser)
        {
            return;
        }

        await using (browser)
        {
            await browser.SendAsync($$"""{"type":"link_request","linkCode":"{{phone.Code}}","publicKey":"{{SoakTraffic.Key}}","deviceName":"{{traffic.Text(20)}}"}""");
            await phone.ExpectAsync("link_request");
            switch (traffic.Next(10))
            {
                case 0:
                    await phone.DisposeAsync();
                    await browser.ExpectAsync("link_timeout");
                    return;
                case 1:
                    await browser.DisposeAsync();
                    await phone.ExpectAsync("link_timeout");
                    return;
                case 2:
                    await browser.ExpectAsync("link_timeout");
                    await phone.ExpectAsync("link_timeout");
                    return;
                case 3:
                    await phone.SendAsync($$"""{"type":"link_response","linkCode":"{{phone.Code}}","accepted":false}""");
                    await browser.ExpectAsync("link_rejected");
                    return;
            }

            await phone.SendAsync($$"""{"type":"link_response","linkCode":"{{phone.Code}}","accepted":true,"deviceId":"{{traffic.Text(20)}}"}""");
            await browser.ExpectAsync("link_matched");
            await phone.ExpectAsync("link_matched");
        }
    }

    private static async Task TalkAsync(SoakTraffic traffic, SoakClient a, SoakClient b)
    {
        foreach (var (from, to, type) in new[] { (a, b, "offer"), (b, a, "answer"), (a, b, "ice_candidate"), (b, a, "ice_candidate") })
        {
            await from.SendAsync($$$"""{"type":"{{{type}}}","target":"{{{to.Code}}}","payload":{"sdp":"{{{traffic.Text(4000)}}}"}}""");
            await to.ExpectAsync(type);
        }

        var call = Guid.NewGuid();
        foreach (var (from, to, type) in new[] { (a, b, "call_offer"), (b, a, "call_answer"), (a, b, "call_ice"), (b, a, "call_ice"), (a, b, "call_hangup") })
        {
            await from.SendAsync($$$"""{"type":"{{{type}}}","target":"{{{to.Code}}}","payload":{"callId":"{{{call}}}","sdp":"{{{traffic.Text(4000)}}}","candidate":"{{{traffic.Text(200)}}}"}}""");
            await to.ExpectAsync(type);
            if (traffic.Chance(5))
            {
                // Somebody hangs up by vanishing.
                return;
            }
        }
    }
}
