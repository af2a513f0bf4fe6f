using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.Transport;

namespace Relay.EndToEnd.Transport;

/// <summary>The relay's own budget keeps it from this; something else in the process, or a limit that was lowered, may still take all descriptors.</summary>
public sealed partial class DescriptorExhaustionTests
{
    private const int Free = 20;
    private const int Crowd = 40;

    // Of two seconds of two loops; one that spins would take it all.
    private static readonly TimeSpan LittleCpu = TimeSpan.FromMilliseconds(300);

    // The runtime opens a pipe for each thread that it starts, and aborts the process when it cannot: here those of the start must do.
    private static readonly Dictionary<string, string> NoNewThreads = new()
    {
        ["DOTNET_ThreadPool_ForceMinWorkerThreads"] = "2",
        ["DOTNET_ThreadPool_ForceMaxWorkerThreads"] = "2",
        ["DOTNET_ThreadPool_ThreadTimeoutMs"] = "-1",
    };

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Accept_NoDescriptorLeft_ResetsNewConnectionsAndRecovers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && TestTransport.Kind != TransportKind.Kestrel, "SKIPPED: the engine's.");
        await using var relay = await RelayProcess.StartWithVariablesAsync(
            NoNewThreads, "--Listen:Loops=2", "--Listen:MaxHandshakesPerIp=10000", "--Admission:PerIp=10000", "--Admission:ConnectRatePerIp=off",
            "--Admission:OverloadLevel=normal", "--Sessions:MessagesPerMinute=1000000");
        await using var a = await TestClient.RegisterAsync(relay.Port, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(relay.Port, "BBBBBB");
        await ExchangeAsync(a, b);
        Assert.Equal(new long[20], await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RejectedAsync(relay))));
        var (open, limit) = await FilesAsync(relay);

        // Those who get the last ones stay; each after them is accepted by the reserve, and reset.
        await relay.LimitFilesAsync(open + Free);
        var crowd = await CrowdAsync(relay);
        Assert.InRange(crowd.Count, 1, Crowd - 1);
        await ExchangeAsync(a, b);
        await relay.LimitFilesAsync(limit);
        Assert.Equal(Crowd - crowd.Count, await RejectedAsync(relay));

        // There is none for the reserve either: new connections wait, and the loops do not spin meanwhile.
        await relay.LimitFilesAsync(0);
        var waiting = await Task.WhenAll(Enumerable.Range(0, Crowd).Select(_ => AskAsync(relay)));
        var (started, used) = (Stopwatch.GetTimestamp(), relay.CpuTime);
        await Eventually.TrueAsync(() => Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(2), "two seconds pass");
        Assert.InRange(relay.CpuTime - used, TimeSpan.Zero, LittleCpu);
        await ExchangeAsync(a, b);
        await relay.LimitFilesAsync(limit);
        foreach (var client in waiting)
        {
            Assert.StartsWith("HTTP/1.1 101 ", await client!.ReadHeadAsync(), StringComparison.Ordinal);
        }

        // The reserve is there again, and as good as before.
        (open, _) = await FilesAsync(relay);
        await relay.LimitFilesAsync(open + Free);
        var last = await CrowdAsync(relay);
        Assert.InRange(last.Count, 1, Crowd - 1);
        await ExchangeAsync(a, b);
        await relay.LimitFilesAsync(limit);
        await using (var next = await TestClient.RegisterAsync(relay.Port, "CCCCCC"))
        {
            await ExchangeAsync(a, next, "CCCCCC");
        }

        Assert.Contains("new connections are closed at once", relay.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(relay.Output.Split('\n'), line => line.Contains("fail: ", StringComparison.Ordinal) && !line.Contains("Too many open files", StringComparison.Ordinal));
        Array.ForEach([.. crowd, .. waiting, .. last], client => client?.Dispose());
    }

    // Null: it was reset so soon that the system has seen nothing else of it.
    private static async Task<RawClient?> AskAsync(RelayProcess relay)
    {
        try
        {
            var client = await RawClient.ConnectAsync(relay.Port);
            await client.SendAsync(RawClient.Request());
            return client;
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return null;
        }
    }

    // All at once; one after another, while the listener pauses between two resets, they would take too long. Who was reset as the
    // oldest pending handshake may still have seen its answer.
    private static async Task<List<RawClient>> CrowdAsync(RelayProcess relay)
    {
        var answered = await Task.WhenAll(Enumerable.Range(0, Crowd).Select(async _ =>
            await AskAsync(relay) is { } client && (await client.ReadHeadAsync()).StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal) ? client : null));
        var served = await Task.WhenAll(answered.OfType<RawClient>().Select(async client => await IsServedAsync(client) ? client : null));
        return [.. served.OfType<RawClient>()];
    }

    private static async Task<bool> IsServedAsync(RawClient client)
    {
        try
        {
            await client.SendAsync([0x89, 0x80, 0, 0, 0, 0]);
        }
        catch (IOException)
        {
            return false;
        }

        int opcode;
        do
        {
            (opcode, _) = await client.ReadFrameAsync();
        }
        while (opcode == 1);
        return opcode == 10;
    }

    private static async Task ExchangeAsync(TestClient from, TestClient to, string code = "BBBBBB")
    {
        await from.SendAsync($$"""{"type":"offer","target":"{{code}}","payload":"still here"}""");
        Assert.Equal("still here", (await to.ExpectAsync("offer")).GetProperty("payload").GetString());
    }

    private static async Task<(long Open, long Limit)> FilesAsync(RelayProcess relay)
    {
        using var channel = relay.OpenChannel();
        var process = (await new AdminService.AdminServiceClient(channel).GetStatsAsync(new GetStatsRequest(), Call)).Process;
        return (process.OpenFiles, process.OpenFilesLimit);
    }

    // For want of a descriptor: new connections, and pending ones that gave theirs away.
    private static async Task<long> RejectedAsync(RelayProcess relay)
    {
        using var http = new HttpClient { Timeout = TestClient.Timeout };
        var metrics = await http.GetStringAsync(new Uri($"http://127.0.0.1:{relay.Port}/metrics"), TestContext.Current.CancellationToken);
        return Rejected().Matches(metrics).Sum(match => long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"^relay_(?:tcp_connections_rejected_total|handshakes_rejected_total\{[^}]*reason=""total""[^}]*\})(?:\{[^}]*\})? (\d+)", RegexOptions.Multiline)]
    private static partial Regex Rejected();
}
