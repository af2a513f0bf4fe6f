using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Sessions;

/// <summary>
/// relayd with 384 MiB, and hundreds of sockets that each make it keep as much as they may. It lives, honest pairs talk all the
/// while, and what was kept is given back.
/// </summary>
[Trait("Programs", "Started")]
public sealed class MemoryBudgetTests : IAsyncDisposable
{
    private const long MiB = 1 << 20;
    private const long Limit = 384 * MiB;
    private const int Addresses = 12;
    private const int Message = 262_144;

    // Of pairing codes.
    private const string Letters = "ABCDEFGHJKLMNP";

    // What a message between honest clients may take on a machine that is busy with the attack itself.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string[] Arguments =
    [
        "--Admission:OverloadLevel=normal", "--Admission:ConnectRatePerIp=off", "--Sessions:MessagesPerMinute=1000000", "--Sessions:BytesBurst=1073741824",
        "--Sessions:SendTimeout=2m", "--Sessions:QueueBytes=8388608", "--Channels:UpstreamLifetime=10s",
    ];

    private readonly ConcurrentBag<RawWebSocket> _attackers = [];
    private readonly List<Task> _writes = [];
    private readonly CancellationTokenSource _over = new();

    public async ValueTask DisposeAsync()
    {
        await LeaveAsync();
        _over.Dispose();
    }

    [Fact]
    public async Task UnfinishedMessages_MoreThanThereIsMemory_AreNoHarm()
    {
        await using var relay = await StartAsync();
        await SurvivesAsync(relay, () => SendUnfinishedAsync(relay), HasClosedForMemory);
    }

    [Fact]
    public async Task UnfinishedMessages_InAControlGroup_AreNoHarm()
    {
        using var group = MemoryGroup.TryCreate(Limit);
        Assert.SkipWhen(group is null, "SKIPPED: no control group with a memory limit may be made here.");
        await using var relay = await RelayProcess.StartInGroupAsync(group, Arguments);
        await SurvivesAsync(relay, () => SendUnfinishedAsync(relay), HasClosedForMemory);
    }

    [Fact]
    public async Task Receivers_ThatNeverRead_AreNoHarm()
    {
        await using var relay = await StartAsync();
        await SurvivesAsync(relay, () => FillQueuesAsync(relay), HasClosedForMemory);
    }

    [Fact]
    public async Task UpstreamMessages_OfAbsentOwners_AreNoHarm()
    {
        await using var relay = await StartAsync();
        await SurvivesAsync(relay, () => FillUpstreamAsync(relay), stats => stats.Channels.UpstreamDroppedTotal > 0);
    }

    // There is no entry before the first.
    private static bool HasClosedForMemory(Stats stats) => stats.Connections.ClosedTotal.ContainsKey("memory_budget");

    private static Task<RelayProcess> StartAsync() => RelayProcess.StartWithVariablesAsync(
        new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = Limit.ToString("X", CultureInfo.InvariantCulture) }, Arguments);

    private async Task SurvivesAsync(RelayProcess relay, Func<Task> attack, Func<Stats, bool> isHeld)
    {
        using var channel = relay.OpenChannel();
        var admin = new AdminService.AdminServiceClient(channel);
        await using var first = await HonestPair.OpenAsync(relay.Port, "AAAAA", "127.0.9.1");
        await using var second = await HonestPair.OpenAsync(relay.Port, "BBBBB", "127.0.9.2");
        var talk = Task.WhenAll(first.TalkAsync(_over.Token), second.TalkAsync(_over.Token));

        await attack();
        Stats stats = new();
        await Eventually.TrueAsync(() => talk.IsCompleted || isHeld(stats = admin.GetStats(new GetStatsRequest(), Call)), "the budget holds", Patience);
        Assert.InRange(stats.Memory.UsedBytes, 0, 2 * stats.Memory.BudgetBytes);
        await first.SendLongAsync();
        Assert.False(relay.HasExited, relay.Output);

        await LeaveAsync();
        await talk;
        Assert.InRange(first.Longest, TimeSpan.Zero, Bound);
        Assert.InRange(second.Longest, TimeSpan.Zero, Bound);
        await Eventually.TrueAsync(() => (stats = admin.GetStats(new GetStatsRequest(), Call)).Memory.UsedBytes == 0, "all was given back", Patience);
        Assert.Equal(4, stats.Connections.Current);
        Assert.Equal(0, stats.Memory.Waiting);
        Assert.False(relay.HasExited, relay.Output);
        Assert.DoesNotContain("fail: ", relay.Output, StringComparison.Ordinal);
    }

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    private async Task SendUnfinishedAsync(RelayProcess relay)
    {
        var frame = RawWebSocket.Frame(0x81, new byte[Message])[..^1];
        frame.AsSpan(14).Fill((byte)'x');
        await EachAsync(50, async (address, _) => Write((await OpenAsync(relay, address), [frame])));
    }

    private async Task FillQueuesAsync(RelayProcess relay)
    {
        await EachAsync(10, async (address, number) =>
        {
            var code = $"{Letters[address]}{Letters[number]}CCCC";
            var receiver = await OpenAsync(relay, address);
            await receiver.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{TestClient.Key(code)}}"}""");
            Assert.Contains("registered", await receiver.ReadTextAsync(), StringComparison.Ordinal);
            var sender = await OpenAsync(relay, address);
            await sender.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"{{code[..^1]}}D","publicKey":"{{TestClient.Key(code)}}"}""");
            var offer = RawWebSocket.Frame(0x81, System.Text.Encoding.ASCII.GetBytes($$"""{"type":"offer","target":"{{code}}","payload":"{{new string('x', 200_000)}}"}"""));
            Write((sender, Enumerable.Repeat(offer, 60)));
        });
    }

    private Task FillUpstreamAsync(RelayProcess relay) => EachAsync(20, async (address, number) =>
    {
        var sender = await OpenAsync(relay, address);
        var channelId = string.Create(CultureInfo.InvariantCulture, $"channel-{address}-{number}");
        await sender.WriteTextFrameAsync($$"""{"type":"channel-subscribe","channelId":"{{channelId}}"}""");
        var message = RawWebSocket.Frame(0x81, System.Text.Encoding.ASCII.GetBytes(ChannelClient.Upstream(channelId, $"\"{new string('x', 200_000)}\"")));
        Write((sender, Enumerable.Repeat(message, 3)));
    });

    private static async Task EachAsync(int sockets, Func<int, int, Task> action)
    {
        for (var number = 0; number < sockets; number++)
        {
            await Task.WhenAll(Enumerable.Range(0, Addresses).Select(address => action(address, number)));
        }
    }

    private async Task<RawWebSocket> OpenAsync(RelayProcess relay, int address)
    {
        var socket = await RawWebSocket.OpenAsync(relay.Port, from: string.Create(CultureInfo.InvariantCulture, $"127.0.8.{address + 1}"));
        _attackers.Add(socket);
        Assert.Contains("server_info", await socket.ReadTextAsync(), StringComparison.Ordinal);
        Assert.Contains("server_identity", await socket.ReadTextAsync(), StringComparison.Ordinal);
        return socket;
    }

    // The relay reads when it likes, and closes some.
    private void Write((RawWebSocket Socket, IEnumerable<byte[]> Frames) attack)
    {
        async Task WriteAsync()
        {
            try
            {
                foreach (var frame in attack.Frames)
                {
                    await attack.Socket.WriteAsync(frame);
                }
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // Closed, or not read for longer than the socket waits.
            }
        }

        lock (_writes)
        {
            _writes.Add(WriteAsync());
        }
    }

    private async Task LeaveAsync()
    {
        foreach (var socket in _attackers)
        {
            socket.Reset();
        }

        await Task.WhenAll(_writes);
        await _over.CancelAsync();
    }

    /// <summary>Two clients of one address that send each other short messages, one after another.</summary>
    private sealed class HonestPair(TestClient one, TestClient other, string code) : IAsyncDisposable
    {
        private readonly SemaphoreSlim _turn = new(1, 1);

        /// <summary>The longest that a message took.</summary>
        public TimeSpan Longest { get; private set; }

        public static async Task<HonestPair> OpenAsync(int port, string code, string from) => new(
            await TestClient.RegisterAsync(port, code + "A", from), await TestClient.RegisterAsync(port, code + "B", from), code);

        public async Task TalkAsync(CancellationToken stop)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            while (!stop.IsCancellationRequested)
            {
                await SendAsync("short");
                await timer.WaitForNextTickAsync(CancellationToken.None);
            }
        }

        /// <summary>One that comes in many pieces, so that it may have to wait for memory.</summary>
        public Task SendLongAsync() => SendAsync(new string('y', 200_000));

        public ValueTask DisposeAsync()
        {
            _turn.Dispose();
            return DisposeBothAsync();
        }

        private async Task SendAsync(string payload)
        {
            await _turn.WaitAsync(Patience);
            var started = Stopwatch.GetTimestamp();
            await one.SendAsync($$"""{"type":"offer","target":"{{code}}B","payload":"{{payload}}"}""");
            await other.ExpectAsync("offer");
            var took = Stopwatch.GetElapsedTime(started);
            Longest = took > Longest ? took : Longest;
            _turn.Release();
        }

        private async ValueTask DisposeBothAsync()
        {
            await one.DisposeAsync();
            await other.DisposeAsync();
        }
    }
}
