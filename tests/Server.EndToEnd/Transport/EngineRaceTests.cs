using Grpc.Core;
using Relay.AdminApi;
using Relay.Benchmarks.Churn;
using Relay.EndToEnd.Support;
using Relay.Transport;

namespace Relay.EndToEnd.Transport;

/// <summary>Connections that end at every stage, on several loops, while others talk: no frame may reach a wrong socket, and nothing may be left.</summary>
public sealed class EngineRaceTests
{
    private const int WarmUp = 500;
    private const int Connects = 10_000;

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task End_AtEveryStageBesideTalkingPairs_NobodyGetsAnothersFrames(int loops)
    {
        Assert.SkipWhen(TestTransport.Kind == TransportKind.Kestrel, "SKIPPED: the loops are the engine's.");
        await using var relay = await RelayProcess.StartAsync([.. Churner.Options, $"--Listen:Loops={loops}"]);
        using var channel = relay.OpenChannel();
        var admin = new AdminService.AdminServiceClient(channel);

        // What the relay opens once is open after this.
        Assert.Empty((await RunAsync(relay, WarmUp)).Faults);
        var before = await EmptyAsync(admin, long.MaxValue);
        var result = await RunAsync(relay, Connects);
        Assert.Empty(result.Faults);
        Assert.True(result is { Exchanged: > 0, Sent: > 0 } && result.Proven > Connects / 2, $"{result}");
        await EmptyAsync(admin, before);
        var audit = await admin.VerifyAsync(new VerifyRequest(), Call);
        Assert.Equal((true, 0L, 0L, 0L), (audit.Ok, audit.Drift, audit.LedgerConnections, audit.LiveConnections));
        Assert.DoesNotContain("fail: ", relay.Output, StringComparison.Ordinal);
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

    private static Task<ChurnResult> RunAsync(RelayProcess relay, int connects) =>
        Task.Factory.StartNew(() => Churner.Run(relay.Port, connects), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .WaitAsync(TimeSpan.FromMinutes(2));

    // The number of open descriptors once everybody has left, which must be at most this.
    private static async Task<long> EmptyAsync(AdminService.AdminServiceClient admin, long files)
    {
        var stats = new Stats();
        await Eventually.TrueAsync(
            () => (stats = admin.GetStats(new GetStatsRequest(), Call)) is { Connections.Current: 0, Handshakes.Pending: 0 } && stats.Process.OpenFiles <= files,
            $"nobody is left, nor a descriptor of more than {files}",
            TimeSpan.FromSeconds(30));
        return stats.Process.OpenFiles;
    }
}
