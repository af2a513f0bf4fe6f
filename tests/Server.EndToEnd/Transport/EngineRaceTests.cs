using System.Text.Json;
using Relay.EndToEnd.Support;
using Relay.Transport;

namespace Relay.EndToEnd.Transport;

/// <summary>Connections that end at every stage, on several loops, while others talk: no frame may reach a wrong socket, and nothing may be left.</summary>
public sealed class EngineRaceTests
{
    private const int Pairs = 12;
    private const int Leavers = 8;
    private const int LeavesEach = 60;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Abort_AtEveryStageBesideTalkingPairs_NobodyGetsAnothersFrames(int loops)
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Listen.Loops = loops;
            settings.Listen.MaxHandshakesPerIp = settings.Listen.MaxHandshakes;
            settings.Admission.PerIp = 1000;
            settings.Sessions.MessagesPerMinute = 1_000_000;
        });
        var clients = await Task.WhenAll(Enumerable.Range(0, 2 * Pairs).Select(i => TestClient.RegisterAsync(server, Code(i))));
        using var stop = new CancellationTokenSource();
        var talking = Enumerable.Range(0, Pairs).Select(i => TalkAsync(clients[2 * i], clients[(2 * i) + 1], (2 * i) + 1, stop.Token)).ToArray();

        await Task.WhenAll(Enumerable.Range(0, Leavers).Select(i => Task.Run(() => LeaveAsync(server, i))));

        await stop.CancelAsync();
        var rounds = await Task.WhenAll(talking);
        Assert.All(rounds, count => Assert.True(count > 0, "a pair exchanged nothing"));
        foreach (var client in clients)
        {
            await client.ExpectNothingAsync();
            await client.DisposeAsync();
        }

        await server.EmptyAsync();
        var result = await server.Get<LedgerReconciler>().RunAsync(TestContext.Current.CancellationToken);
        Assert.True(result is { Ok: true, Drift: 0, Live: 0 }, $"{result}");
    }

    /// <summary>A request for a page goes to Kestrel; whatever becomes of its connection on the way, the next one is answered.</summary>
    [Fact]
    public async Task Reset_OnTheWayToKestrel_PagesAreAnsweredAfterwards()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Listen.MaxHandshakesPerIp = settings.Listen.MaxHandshakes);
        for (var i = 0; i < 300; i++)
        {
            using var client = await RawClient.ConnectAsync(server);
            await client.SendAsync("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
            client.Reset();
        }

        using var http = new HttpClient { BaseAddress = server.Http, Timeout = TestClient.Timeout };
        Assert.Contains("healthy", await http.GetStringAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await server.LiveIsAsync(0);
    }

    private static string Code(int i) => $"RACER{"ABCDEFGHJKLMNPQRSTUVWXYZ23456789"[i]}";

    // Each message has the pair's number and a count: any other text is somebody else's, or out of order.
    private static async Task<int> TalkAsync(TestClient from, TestClient to, int target, CancellationToken stop)
    {
        var count = 0;
        for (; count == 0 || !stop.IsCancellationRequested; count++)
        {
            var payload = $"{target}-{count}";
            await from.SendAsync($$"""{"type":"offer","target":"{{Code(target)}}","payload":"{{payload}}"}""");
            var offer = await to.ExpectAsync("offer");
            Assert.Equal((payload, Code(target - 1)), (Text(offer, "payload"), Text(offer, "from")));
        }

        return count;
    }

    private static string? Text(JsonElement message, string name) => message.GetProperty(name).GetString();

    private static async Task LeaveAsync(RelayServer server, int seed)
    {
        for (var i = 0; i < LeavesEach; i++)
        {
            using var client = await RawClient.ConnectAsync(server);
            try
            {
                await GoThroughAsync(client, (i + seed) % 7);
            }
            catch (IOException)
            {
                // The relay may be first to end it.
            }

            client.Reset();
        }
    }

    private static async Task GoThroughAsync(RawClient client, int stage)
    {
        if (stage == 0)
        {
            return;
        }

        if (stage == 1)
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: local");
            return;
        }

        await client.SendAsync(RawClient.Request());
        if (stage == 2)
        {
            return;
        }

        await client.ReadHeadAsync();
        switch (stage)
        {
            case 4:
                // The head of a frame, and half of its mask.
                await client.SendAsync([0x81, 0x90, 1, 2]);
                break;
            case 5:
                await client.SendAsync([0x89, 0x80, 0, 0, 0, 0]);
                break;
            case 6:
                await client.SendAsync(RawClient.CloseFrame);
                break;
        }
    }
}
