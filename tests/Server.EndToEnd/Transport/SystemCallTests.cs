using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Relay.EndToEnd.Support;
using Relay.Transport;

namespace Relay.EndToEnd.Transport;

/// <summary>What a message costs in system calls, counted by strace on the thread of the loop.</summary>
[Trait("Programs", "Started")]
public sealed partial class SystemCallTests
{
    private const int Clients = 100;
    private const int Rounds = 20;
    private const double MaxCallsPerForward = 2.1;

    private const string HowTo = "SKIPPED: there is no strace to count system calls with; tests/install-tools.sh installs it.";

    private const string Letters = "ABCDEFGHJK";

    private static readonly byte[] Key = new byte[32];

    [Fact]
    public async Task Forward_ManyClients_TakesAReceiveASendAndHardlyMore()
    {
        RequireStrace();
        await using var relay = await RelayProcess.StartAsync("--Listen:Loops=1", "--Admission:PerIp=1000", "--Admission:ConnectRatePerIp=off", "--Sessions:MessagesPerMinute=1000");
        var clients = new List<RawWebSocket>();
        for (var i = 0; i < Clients; i++)
        {
            clients.Add(await RegisterAsync(relay.Port, i));
        }

        using var strace = await TraceAsync(LoopOf(relay.ProcessId));
        for (var round = 0; round < Rounds; round++)
        {
            // All at once: what is measured is a busy loop, not a pair that waits for each other.
            await Task.WhenAll(clients.Select((client, i) =>
                client.WriteTextFrameAsync($$"""{"type":"offer","target":"{{Code(i ^ 1)}}","payload":"{{round}}"}""")));
            foreach (var client in clients)
            {
                Assert.Contains($"\"payload\":\"{round}\"", await client.ReadTextAsync(), StringComparison.Ordinal);
            }
        }

        var calls = await CallsAsync(strace);
        Assert.InRange(calls / (double)(Clients * Rounds), 1, MaxCallsPerForward);
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    /// <summary>What came with one call is answered with one.</summary>
    [Fact]
    public async Task Answer_ManyMessagesAtOnce_LeavesTogether()
    {
        const int Messages = 50;
        const int MaxCalls = Messages / 2;
        RequireStrace();
        await using var relay = await RelayProcess.StartAsync("--Listen:Loops=1");
        await using var client = await RegisterAsync(relay.Port, 0);
        var ping = RawWebSocket.Frame(0x81, """{"type":"ping"}"""u8.ToArray());
        using var strace = await TraceAsync(LoopOf(relay.ProcessId));
        await client.WriteAsync([.. Enumerable.Repeat(ping, Messages).SelectMany(frame => frame)]);
        for (var i = 0; i < Messages; i++)
        {
            Assert.Equal("""{"type":"pong"}""", await client.ReadTextAsync());
        }

        Assert.InRange(await CallsAsync(strace), 1, MaxCalls);
    }

    /// <summary>A connection is accepted when its request is there: nothing is looked for that has not come.</summary>
    [Fact]
    public async Task Handshake_RequestComesLater_TakesNoCallInVain()
    {
        const int Visitors = 20;

        // Three for the question that is answered meanwhile; an epoll_wait, two accepts, of which the second finds nobody, two receives, a send and an epoll_ctl.
        const int MaxCallsPerVisitor = 11;
        RequireStrace();
        await using var relay = await RelayProcess.StartAsync("--Listen:Loops=1");
        await using var client = await RegisterAsync(relay.Port, 0);
        using var strace = await TraceAsync(LoopOf(relay.ProcessId));
        var visitors = new List<RawWebSocket>();
        for (var i = 0; i < Visitors; i++)
        {
            var visitor = await RawWebSocket.DialAsync(relay.Port);
            visitors.Add(visitor);
            await client.WriteTextFrameAsync("""{"type":"ping"}""");
            Assert.Equal("""{"type":"pong"}""", await client.ReadTextAsync());
            await visitor.UpgradeAsync();
            await visitor.ReadTextAsync();
        }

        Assert.InRange(await CallsAsync(strace) / (double)Visitors, 1, MaxCallsPerVisitor);
        foreach (var visitor in visitors)
        {
            await visitor.DisposeAsync();
        }
    }

    private static void RequireStrace()
    {
        Assert.SkipWhen(TestTransport.Kind == TransportKind.Kestrel || !OperatingSystem.IsLinux(), "SKIPPED: the engine's loops are counted.");
        if (!IsStraceThere())
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", HowTo);
            Assert.Fail(HowTo);
        }
    }

    private static bool IsStraceThere() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "strace")));

    private static string Code(int number) => $"ABCD{Letters[number / Letters.Length]}{Letters[number % Letters.Length]}";

    private static async Task<RawWebSocket> RegisterAsync(int port, int number)
    {
        var client = await RawWebSocket.OpenAsync(port);
        await client.ReadTextAsync();
        await client.ReadTextAsync();
        await client.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"{{Code(number)}}","publicKey":"{{Convert.ToBase64String(Key)}}"}""");
        Assert.Contains("\"registered\"", await client.ReadTextAsync(), StringComparison.Ordinal);
        return client;
    }

    private static int LoopOf(int process) => int.Parse(
        Path.GetFileName(Directory.GetDirectories($"/proc/{process}/task").Single(task => File.ReadAllText(Path.Combine(task, "comm")) == "engine 1\n")),
        CultureInfo.InvariantCulture);

    private static async Task<Process> TraceAsync(int thread)
    {
        var strace = Process.Start(new ProcessStartInfo("strace", ["-c", "-p", $"{thread}"]) { RedirectStandardError = true })!;
        var line = await strace.StandardError.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TestClient.Timeout, TestContext.Current.CancellationToken);
        Assert.Contains("attached", line, StringComparison.Ordinal);
        return strace;
    }

    // Interrupted, strace prints a table: share, seconds, microseconds a call, calls, errors, name; the last line is the sum.
    private static async Task<int> CallsAsync(Process strace)
    {
        using var interrupt = Process.Start("/bin/kill", ["-s", "INT", $"{strace.Id}"]);
        var table = await strace.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TestClient.Timeout, TestContext.Current.CancellationToken);
        return int.Parse(Total().Match(table).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^100\.00\s+\S+\s+\S+\s+(\d+)\s+(?:\d+\s+)?total", RegexOptions.Multiline)]
    private static partial Regex Total();
}
