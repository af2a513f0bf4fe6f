using System.Diagnostics;
using Relay.Benchmarks.Churn;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport;

/// <summary>A relayd that is stopped, drained or paused in the middle of traffic.</summary>
public sealed class TrafficTests
{
    private const int Pairs = 10;
    private const int Deaf = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Longer than a ping interval, the closing grace and every sweep: nobody is closed for what happened meanwhile, and nothing is lost or out of order.</summary>
    [Fact]
    public async Task Pause_AmidTraffic_NobodyIsClosedAndOrderStays()
    {
        await using var relay = await RelayProcess.StartAsync(Churner.Options);
        var codes = new ChurnCodes(1);
        var pairs = Enumerable.Range(0, Pairs).Select(number => new ChurnPair(number, relay.Port, codes)).ToArray();
        using var stop = new CancellationTokenSource();
        var running = pairs.Select(pair => Task.Factory.StartNew(
            () => pair.Run(stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        await Eventually.TrueAsync(() => Array.TrueForAll(pairs, pair => pair.Counts.Exchanged > 100), "all pairs talk", Patience);

        await relay.SignalAsync("STOP");
        var before = pairs.Sum(pair => pair.Counts.Exchanged);
        var newcomers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RawClient.ConnectAsync(relay.Port)));
        await Task.WhenAll(newcomers.Select(client => client.SendAsync(RawClient.Request())));
        var stopped = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(() => Stopwatch.GetElapsedTime(stopped) > Pause, "the pause", Patience);

        // What was on its way, and no more.
        Assert.InRange(pairs.Sum(pair => pair.Counts.Exchanged) - before, 0, 2 * Pairs);
        await relay.SignalAsync("CONT");
        var after = Array.ConvertAll(pairs, pair => pair.Counts.Exchanged + 100);
        foreach (var client in newcomers)
        {
            Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
            client.Dispose();
        }

        await Eventually.TrueAsync(() => Enumerable.Range(0, Pairs).All(i => pairs[i].Counts.Exchanged > after[i] || running[i].IsCompleted), "all go on", Patience);
        await stop.CancelAsync();
        await Task.WhenAll(running).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.DoesNotContain("fail: ", relay.Output, StringComparison.Ordinal);
    }

    /// <summary>A stop that is longer than the silence that a client may keep: it has said nothing because nobody asked.</summary>
    [Fact]
    public async Task Pause_LongerThanTheSilenceTimeout_QuietClientsAreAskedAndStay()
    {
        await using var relay = await RelayProcess.StartAsync("--Sessions:PingInterval=2s", "--Sessions:SilenceTimeout=5s");
        var clients = await Task.WhenAll(Enumerable.Range(0, 10).Select(number => RegisterAsync(relay, number)));
        await relay.SignalAsync("STOP");
        var stopped = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(() => Stopwatch.GetElapsedTime(stopped) > TimeSpan.FromSeconds(7), "the pause", Patience);
        await relay.SignalAsync("CONT");

        // Each is asked, answers, and is asked again as before.
        await Task.WhenAll(clients.Select(async client =>
        {
            for (var i = 0; i < 3; i++)
            {
                var (opcode, payload) = await client.ReadFrameAsync();
                Assert.Equal((9, ""), (opcode, System.Text.Encoding.UTF8.GetString(payload)));
                await client.WriteFrameAsync(0x8A, payload);
            }
        }));
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    /// <summary>Everybody gets what was sent before, in order, and then the close frame, whoever else reads or does not.</summary>
    [Theory]
    [InlineData(1, 1001, "Server shutting down")]
    [InlineData(2, 1001, "Server shutting down")]
    [InlineData(1, 1012, "Server draining", "--Sessions:StopDrain=20s", "--Sessions:EvictionsPerSecond=50")]
    [InlineData(2, 1012, "Server draining", "--Sessions:StopDrain=20s", "--Sessions:EvictionsPerSecond=50")]
    public async Task Stop_AmidTraffic_EverybodyIsToldAndTheProcessEnds(int signals, int code, string reason, params string[] options)
    {
        await using var relay = await RelayProcess.StartAsync([.. Churner.Options, .. options]);
        var clients = await Task.WhenAll(Enumerable.Range(0, 2 * Pairs).Select(number => RegisterAsync(relay, number)));
        var deaf = await Task.WhenAll(Enumerable.Range(0, Deaf).Select(_ => RawWebSocket.OpenAsync(relay.Port)));
        var flooding = deaf.Select(client => client.WriteUntilCutAsync(Pings(), Patience)).ToArray();
        var counts = new long[2 * Pairs];
        var talking = Enumerable.Range(0, 2 * Pairs).Select(number => TalkAsync(clients[number], number, counts)).ToArray();
        using var stop = new CancellationTokenSource();
        var knocking = KnockAsync(relay, stop.Token);
        await Eventually.TrueAsync(() => Array.TrueForAll(counts, count => count > 50), "all pairs talk", Patience);

        var told = Stopwatch.GetTimestamp();
        for (var i = 0; i < signals; i++)
        {
            await relay.SignalAsync("TERM");
        }

        Assert.All(await Task.WhenAll(talking).WaitAsync(Patience, TestContext.Current.CancellationToken), close => Assert.Equal((code, reason), close));
        Assert.Equal(0, await relay.ExitAsync());
        Assert.InRange(Stopwatch.GetElapsedTime(told), TimeSpan.Zero, TimeSpan.FromSeconds(15));
        await stop.CancelAsync();
        await Task.WhenAll([.. flooding, knocking]).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.DoesNotContain("fail: ", relay.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Second ", relay.Output, StringComparison.Ordinal);
        foreach (var client in clients.Concat(deaf))
        {
            await client.DisposeAsync();
        }
    }

    private static string Code(int number) => $"TRAFF{"ABCDEFGHJKLMNPQRSTUVWXYZ"[number]}";

    private static byte[] Pings() => [.. Enumerable.Repeat(RawWebSocket.Frame(0x89, new byte[125]), 500).SelectMany(frame => frame)];

    private static async Task<RawWebSocket> RegisterAsync(RelayProcess relay, int number)
    {
        var client = await RawWebSocket.OpenAsync(relay.Port);
        await client.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"{{Code(number)}}","publicKey":"{{TestClient.Key(Code(number))}}"}""");
        while (!(await client.ReadTextAsync()).Contains("\"registered\"", StringComparison.Ordinal))
        {
        }

        return client;
    }

    // Two send a number to and fro, each one more than it got; the first begins. It ends with the close frame, which it answers.
    private static async Task<(int Code, string Reason)> TalkAsync(RawWebSocket client, int number, long[] counts)
    {
        var partner = number ^ 1;
        if (partner > number)
        {
            await SendAsync(client, partner, 0);
        }

        for (long next = partner > number ? 1 : 0; ;)
        {
            var (opcode, payload) = await client.ReadFrameAsync();
            var text = System.Text.Encoding.UTF8.GetString(payload);
            if (opcode == 8)
            {
                await TrySendAsync(() => client.WriteFrameAsync(0x88, payload));
                await client.ReadToEndAsync();
                return ((payload[0] << 8) | payload[1], text[2..]);
            }

            if (opcode == 1 && !text.Contains("Peer not found", StringComparison.Ordinal))
            {
                Assert.Equal($$"""{"type":"offer","from":"{{Code(partner)}}","payload":{{next}}}""", text);
                counts[number] = next;
                await TrySendAsync(() => SendAsync(client, partner, next + 1));
                next += 2;
            }
            else
            {
                Assert.True(opcode is 1 or 9, $"opcode {opcode}: {text}");
            }
        }
    }

    private static Task SendAsync(RawWebSocket client, int partner, long number) =>
        client.WriteTextFrameAsync($$"""{"type":"offer","target":"{{Code(partner)}}","payload":{{number}}}""");

    private static async Task TrySendAsync(Func<Task> send)
    {
        try
        {
            await send();
        }
        catch (IOException)
        {
            // The relay has ended it; what it sent before is there to be read.
        }
    }

    // Others come all the while, also when nobody is let in any more.
    private static async Task KnockAsync(RelayProcess relay, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && !relay.HasExited)
        {
            try
            {
                using var client = await RawClient.ConnectAsync(relay.Port);
                await client.SendAsync(RawClient.Request());
                await client.ReadHeadAsync();
                client.Reset();
            }
            catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
            {
                // Rejected, or nobody listens.
            }
        }
    }
}
