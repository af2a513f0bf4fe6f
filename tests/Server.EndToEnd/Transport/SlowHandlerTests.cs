using System.Diagnostics;
using System.Diagnostics.Metrics;
using Relay.EndToEnd.Support;
using Relay.Storage;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.EndToEnd.Transport;

/// <summary>A client whose message waits for the disk or for the attestation authority waits alone, and its messages keep their order.</summary>
public sealed class SlowHandlerTests
{
    private const int Waiting = 4;
    private const int Pairs = 4;
    private const int Behind = 20;

    // A busy machine may stop a thread for a while; nothing but a loop that is blocked takes half of this.
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Storage_ThatHangs_HoldsUpNobodyElse()
    {
        await using var server = await RelayServer.StartAsync(Configure);
        using var released = new ManualResetEventSlim();
        var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hanging = server.Get<Database>().RunAsync(_ =>
        {
            blocked.SetResult();
            return released.Wait(TimeSpan.FromSeconds(30));
        });
        await blocked.Task.WaitAsync(TestClient.Timeout, TestContext.Current.CancellationToken);

        await WaitAloneAsync(server, """{"type":"register_rendezvous","dailyPoints":["p"]}""", "rendezvous_result", released.Set);
        Assert.True(await hanging, "released in time");
    }

    [Fact]
    public async Task Authority_ThatHangs_HoldsUpNobodyElse()
    {
        await using var authority = await Authority.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        authority.OnChallenge = Authority.SayLater(gate.Task, Authority.Challenge);
        await using var server = await authority.StartRelayAsync(Configure);

        await WaitAloneAsync(server, """{"type":"attest_request","build_token":"token","device_id":"device"}""", "attest_challenge", gate.SetResult);
    }

    private static void Configure(Relay.Configuration.RelaySettings settings)
    {
        settings.Admission.PerIp = 1000;
        settings.Sessions.MessagesPerMinute = 1_000_000;
    }

    private static async Task WaitAloneAsync(RelayServer server, string slow, string answer, Action release)
    {
        var waiting = await RegisterAsync(server, "SLEEPS", Waiting);
        var talking = await RegisterAsync(server, "CALLER", 2 * Pairs);
        foreach (var (client, code) in waiting)
        {
            await client.SendAsync(slow);
            for (var i = 0; i < Behind; i++)
            {
                await client.SendAsync($$"""{"type":"offer","target":"{{code}}","payload":{{i}}}""");
            }
        }

        using var turns = new LongestTurn(server);
        var times = await Task.WhenAll(Enumerable.Range(0, Pairs).Select(i => TalkAsync(talking[2 * i].Client, talking[(2 * i) + 1])));
        var longest = turns.Longest;
        var sorted = times.SelectMany(time => time).Order().ToArray();
        Assert.InRange(sorted[(int)(sorted.Length * 0.99)], TimeSpan.Zero, Hold / 2);
        Assert.InRange(longest, TimeSpan.Zero, Hold / 2);
        Assert.True(TestTransport.Kind == TransportKind.Kestrel || longest > TimeSpan.Zero, "no turn was measured");

        release();
        foreach (var (client, _) in waiting)
        {
            await client.ExpectAsync(answer);
            for (var i = 0; i < Behind; i++)
            {
                Assert.Equal(i, (await client.ExpectAsync("offer")).GetProperty("payload").GetInt32());
            }
        }

        foreach (var (client, _) in waiting.Concat(talking))
        {
            await client.ExpectNothingAsync();
            await client.DisposeAsync();
        }

        await server.EmptyAsync();
    }

    private static Task<(TestClient Client, string Code)[]> RegisterAsync(RelayServer server, string code, int count) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(async i =>
        {
            var own = code[..5] + "ABCDEFGH"[i];
            return (await TestClient.RegisterAsync(server, own), own);
        }));

    private static async Task<List<TimeSpan>> TalkAsync(TestClient from, (TestClient Client, string Code) to)
    {
        var times = new List<TimeSpan>();
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Hold;)
        {
            var sent = Stopwatch.GetTimestamp();
            await from.SendAsync($$"""{"type":"offer","target":"{{to.Code}}","payload":{{times.Count}}}""");
            Assert.Equal(times.Count, (await to.Client.ExpectAsync("offer")).GetProperty("payload").GetInt32());
            times.Add(Stopwatch.GetElapsedTime(sent));
        }

        return times;
    }

    /// <summary>The longest turn of a loop since it was made, as relay_loop_turn_seconds has it.</summary>
    private sealed class LongestTurn : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Lock _lock = new();
        private double _longest;

        public LongestTurn(RelayServer server)
        {
            var meter = server.Get<RelayMetrics>().Meter;
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == meter && instrument.Name == "relay.loop.turn")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<double>((_, seconds, _, _) =>
            {
                lock (_lock)
                {
                    _longest = Math.Max(_longest, seconds);
                }
            });
            _listener.Start();
        }

        public TimeSpan Longest
        {
            get
            {
                lock (_lock)
                {
                    return TimeSpan.FromSeconds(_longest);
                }
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
