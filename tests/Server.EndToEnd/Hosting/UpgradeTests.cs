using System.Net.Sockets;
using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Hosting;

/// <summary>A new process takes the place of relayd while clients come and go.</summary>
[Trait("Programs", "Started")]
public sealed class UpgradeTests : IDisposable
{
    private static readonly TimeSpan Patience = Upgrading.Patience;

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-upgrade-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static CallOptions Call => new(deadline: DateTime.UtcNow + Patience, cancellationToken: Token);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Upgrade_WhileClientsConnect_RefusesNone()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=10000", "--Admission:ConnectRatePerIp=off", "--Admission:ConnectRateTotal=off");
        await using var early = await TestClient.RegisterAsync(relay.Port, "AAAAAA");
        using var stop = new CancellationTokenSource();
        var connected = 0;
        var visitors = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var visitor = await RawClient.UpgradeAsync(relay.Port);
                Interlocked.Increment(ref connected);
            }
        })).ToList();
        await Eventually.TrueAsync(() => Volatile.Read(ref connected) > 20, "visitors come", Patience);

        var done = await relay.UpgradeAsync();
        var before = Volatile.Read(ref connected);
        await Eventually.TrueAsync(() => Volatile.Read(ref connected) > before + 20 || visitors.Any(visitor => visitor.IsFaulted), "visitors come to the new process", Patience);

        await ExpectMovedAsync(early);
        await relay.EndedAsync();
        await stop.CancelAsync();
        await Task.WhenAll(visitors);
        await using var late = await TestClient.RegisterAsync(relay.Port, "BBBBBB");
        using var channel = relay.OpenChannel();
        var admin = new AdminService.AdminServiceClient(channel);
        var stats = await admin.GetStatsAsync(new GetStatsRequest(), Call);
        Assert.NotEqual(relay.ProcessId, done.ProcessId);
        var here = Upgrading.MovesClients ? 2 : 1;
        Assert.Equal(here, stats.Connections.Signaling);
        await relay.LedgerIsAsync(here);
        relay.AssertNothingWrong();
    }

    // So many clients that at one a second the old process has too many of them for as long as the test takes.
    [Fact]
    public async Task Upgrade_OldProcessHasClients_TheyCountInTheNewOneUntilTheyAreGone()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=200", "--Admission:ConnectRatePerIp=off", "--Admission:RejectionMode=HttpStatus");
        var old = new List<RawClient>();
        for (var i = 0; i < 200; i++)
        {
            old.Add(await RawClient.UpgradeAsync(relay.Port));
        }

        using (var channel = relay.OpenChannel())
        {
            await new PolicyAdmin(channel).SetPerIpAsync(20);
        }

        await relay.UpgradeAsync(rate: 1);
        Assert.StartsWith("HTTP/1.1 429 ", await AnswerAsync(relay), StringComparison.Ordinal);
        await using (var elsewhere = await TestClient.RegisterAsync(relay.Port, "DDDDDD", from: "127.0.0.2"))
        {
            old.ForEach(client => client.Dispose());
            await Eventually.TrueAsync(async () => (await AnswerAsync(relay)).StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal), "the places of the old clients are free", Patience);
        }

        await relay.EndedAsync();
        relay.AssertNothingWrong();
    }

    [Fact]
    public async Task Upgrade_ThreeTimes_KeepsWhatWasConfirmedAndTheOrderOfTheAudit()
    {
        await using var relay = await RelayProcess.StartAsync();
        var processes = new List<long> { relay.ProcessId };
        for (var round = 1; round <= 3; round++)
        {
            using (var channel = relay.OpenChannel())
            {
                var policy = new PolicyAdmin(channel);
                await policy.SetPerIpAsync(100 + round);
                await policy.BanAsync($"198.51.100.{round}", TimeSpan.FromHours(1));
                await policy.SetAsync(new LimitSettings { Total = 5000 + round }, PolicyAdmin.Holding(TimeSpan.FromHours(1)));
            }

            processes.Add((await relay.UpgradeAsync($"round {round}")).ProcessId);
            using var next = relay.OpenChannel();
            var now = await new PolicyAdmin(next).GetAsync();
            Assert.Equal((100 + round, 5000 + round, (long)round), (now.Limits.PerIp, now.Limits.Total, now.Bans));
        }

        Assert.Equal(4, processes.Distinct().Count());
        await relay.EndedAsync();
        using var last = relay.OpenChannel();
        var entries = (await new AdminService.AdminServiceClient(last).ListAuditAsync(new ListAuditRequest { PageSize = 1000 }, Call)).Entries;
        Assert.Equal(Enumerable.Range(1, entries.Count).Select(number => (long)number).Reverse(), entries.Select(entry => entry.Sequence));
        Assert.Equal(["round 1", "round 2", "round 3"], entries.Where(entry => entry.Method == "Upgrade").Select(entry => entry.Why).Reverse());
        Assert.Equal(["round 1", "round 2", "round 3"], entries.Where(entry => entry.Method == "Upgraded").Select(entry => entry.Why).Reverse());
        relay.AssertNothingWrong();
    }

    // Each was either confirmed, and is there afterwards, or was not, and the operator knows.
    [Fact]
    public async Task Upgrade_WhileAnOperatorChangesLimits_LosesNoChangeThatWasConfirmed()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var stop = new CancellationTokenSource();
        var confirmed = 0;
        var changes = Task.Run(async () =>
        {
            for (var limit = 1; !stop.IsCancellationRequested; limit++)
            {
                using var channel = relay.OpenChannel();
                try
                {
                    await new PolicyAdmin(channel).SetPerIpAsync(limit);
                    Volatile.Write(ref confirmed, limit);
                }
                catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled or StatusCode.Internal)
                {
                    // The old process took the call, and could not do it any more.
                }
            }
        }, Token);
        await Eventually.TrueAsync(() => Volatile.Read(ref confirmed) > 10, "changes are made", Patience);
        await relay.UpgradeAsync();
        var before = Volatile.Read(ref confirmed);
        await Eventually.TrueAsync(() => Volatile.Read(ref confirmed) > before + 10 || changes.IsCompleted, "changes are made in the new process", Patience);
        await stop.CancelAsync();
        await changes;

        using var last = relay.OpenChannel();
        Assert.True(await new PolicyAdmin(last).PerIpAsync() >= confirmed, "the last confirmed change is there");
        relay.AssertNothingWrong();
    }

    [Fact]
    public async Task HangUp_ProgramWasReplaced_IsAnUpgradeElseAReload()
    {
        var script = Path.Combine(_folder, "relayd.sh");
        await using var relay = await RelayProcess.StartByScriptAsync(script);
        await relay.SignalAsync("HUP");
        await Eventually.TrueAsync(() => relay.Output.Contains("Reloaded: nothing has changed, by relayd (SIGHUP)", StringComparison.Ordinal), "SIGHUP is a reload", Patience);

        RelayProcess.WriteScript(script, await File.ReadAllTextAsync(script, Token) + "# another version");
        await relay.SignalAsync("HUP");
        await Eventually.TrueAsync(() => relay.Output.Contains("Took over from relayd", StringComparison.Ordinal), "SIGHUP is an upgrade", Patience);
        await relay.EndedAsync();
        await using var client = await TestClient.RegisterAsync(relay.Port, "AAAAAA");
        relay.AssertNothingWrong();
    }

    [Fact]
    public async Task HangUp_ReplacedProgramCannotStart_GoesOnAndSaysWhy()
    {
        var script = Path.Combine(_folder, "relayd.sh");
        await using var relay = await RelayProcess.StartByScriptAsync(script);
        await using var client = await TestClient.RegisterAsync(relay.Port, "AAAAAA");

        // The option is only wrong when the new process comes to it, with the database and the journal in its hands.
        var text = await File.ReadAllTextAsync(script, Token);
        RelayProcess.WriteScript(script, text.TrimEnd() + " --Listen:More:0=127.0.0.1:" + TakenPort(out var taken));
        using (taken)
        {
            await relay.SignalAsync("HUP");
            await Eventually.TrueAsync(
                () => relay.Output.Contains("Upgrade failed, this process goes on as before: the new process cannot start: cannot listen on 127.0.0.1:", StringComparison.Ordinal),
                "the failure is logged",
                Patience);
        }

        // Again with a program that ends at once, and again as it was.
        RelayProcess.WriteScript(script, "exit 3");
        await relay.SignalAsync("HUP");
        await Eventually.TrueAsync(() => relay.Output.Contains("the new process has ended with exit code 3; its log says why", StringComparison.Ordinal), "the failure is logged", Patience);
        using (var channel = relay.OpenChannel())
        {
            await new PolicyAdmin(channel).SetPerIpAsync(77);
            await new PolicyAdmin(channel).BanAsync("198.51.100.7", TimeSpan.FromHours(1));
        }

        await client.MeetAsync("'peerId':'AAAAAA','dailyPoints':['p'],'deadDrop':'letter'");
        RelayProcess.WriteScript(script, text);
        await relay.SignalAsync("HUP");
        await Eventually.TrueAsync(() => relay.Output.Contains("Took over from relayd", StringComparison.Ordinal), "SIGHUP is an upgrade", Patience);
        await ExpectMovedAsync(client);
        await relay.EndedAsync();
        using var last = relay.OpenChannel();
        Assert.Equal((77, 1L), (await new PolicyAdmin(last).PerIpAsync(), (await new PolicyAdmin(last).GetAsync()).Bans));
        await using var finder = await TestClient.RegisterAsync(relay.Port, "BBBBBB");
        Assert.Equal(["letter"], (await finder.MeetAsync("'peerId':'BBBBBB','dailyPoints':['p'],'deadDrop':'answer'")).Drops());
    }

    [Fact]
    public async Task Upgrade_UnderSystemd_TellsItTheNewMainProcessAndNotThatTheServiceStops()
    {
        using var systemd = new NotifySocket(_folder);
        await using var relay = await RelayProcess.StartWithVariablesAsync(systemd.Variables);
        await systemd.ReceivedAsync("READY=1");

        var done = await relay.UpgradeAsync();
        await Eventually.TrueAsync(() => systemd.Received.Count(line => line == "READY=1") == 2, "the new process is ready");
        await relay.EndedAsync();

        var lines = systemd.Received.ToList();
        Assert.True(lines.IndexOf($"MAINPID={done.ProcessId}") is > 0 and var main && main < lines.LastIndexOf("READY=1"), string.Join('\n', lines));
        Assert.DoesNotContain("STOPPING=1", lines);
    }

    private static async Task ExpectMovedAsync(TestClient client)
    {
        if (Upgrading.MovesClients)
        {
            await client.ExpectNothingAsync();
        }
        else
        {
            Assert.Equal((1012, "Server draining"), await client.ExpectCloseAsync(Patience));
        }
    }

    private static async Task<string> AnswerAsync(RelayProcess relay)
    {
        using var client = await RawClient.ConnectAsync(relay.Port);
        await client.SendAsync(RawClient.Request());
        return await client.ReadHeadAsync();
    }

    private static int TakenPort(out Socket socket)
    {
        socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        socket.Listen();
        return ((System.Net.IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
