using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Relay.AdminApi;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.TestKit;
using Relay.Upgrade;

namespace Relay.EndToEnd.Hosting;

/// <summary>A new process that does not take over: the relay goes on, and can do all that it could before.</summary>
[Trait("Programs", "Started")]
public sealed class UpgradeFailureTests : IDisposable
{
    // Messages of the hand-over, as a shell writes them: the first with a version, the third, the fifth, and one with a part of what is no answer to it.
    private const string Hello = @"printf '\x04\0\0\0\0\0\0\0\x0a\x02\x08\x02' >&$RELAYD_UPGRADE_FD; ";
    private const string HelloOfTheFirstVersion = @"printf '\x0b\0\0\0\0\0\0\0\x0a\x09\x08\x01\x12\x050.1.0' >&$RELAYD_UPGRADE_FD; ";
    private const string Ready = @"printf '\x02\0\0\0\0\0\0\0\x4a\0' >&$RELAYD_UPGRADE_FD; ";
    private const string HelloOfAnotherVersion = @"printf '\x0b\0\0\0\0\0\0\0\x0a\x09\x08\x63\x12\x059.9.9' >&$RELAYD_UPGRADE_FD; ";
    private const string Prepared = @"printf '\x02\0\0\0\0\0\0\0\x1a\0' >&$RELAYD_UPGRADE_FD; ";
    private const string Garbage = @"printf 'GET / HTTP/1.1\r\n\r\n' >&$RELAYD_UPGRADE_FD; ";

    private const string Silent = "no answer within 2 s";

    private static readonly TimeSpan Short = TimeSpan.FromSeconds(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-upgrade-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddMinutes(2), cancellationToken: Token);

    private string IdFile => Path.Combine(_folder, "pid");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("exit 3", "the new process has ended with exit code 3; its log says why")]
    [InlineData("exec sleep 1000", Silent)]
    [InlineData(HelloOfAnotherVersion + "exec sleep 1000", "relayd 9.9.9 hands over in another way (version 99, this is 2); drain this one and restart it")]
    [InlineData(HelloOfTheFirstVersion + "exec sleep 1000", "relayd 0.1.0 hands over in another way (version 1, this is 2); drain this one and restart it")]
    [InlineData(Garbage + "exec sleep 1000", "the other process has sent what is no message of a hand-over")]
    [InlineData(Prepared + "exec sleep 1000", "the other process has sent what does not belong here")]
    [InlineData(Hello + "exec sleep 1000", Silent)]
    [InlineData(Hello + Prepared + "exec sleep 1000", Silent)]
    [InlineData(Hello + Prepared + "sleep 0.5; kill -9 $$", "the new process has ended with exit code 137; its log says why")]
    [InlineData(Hello + Prepared + Ready + "sleep 0.5; kill -9 $$", "the new process has ended with exit code 137; its log says why")]
    [InlineData(Hello + Prepared + Ready + Garbage + "exec sleep 1000", "the other process has sent what is no message of a hand-over")]
    [InlineData(Hello + Prepared + Ready + Ready + "exec sleep 1000", "the other process has sent what does not belong here")]
    [InlineData(Hello + Prepared + Ready + "exec sleep 1000", "no answer within 5 s")]
    public async Task Upgrade_NewProcessDoesNotTakeOver_GoesOnAsBefore(string script, string problem)
    {
        await using var server = await StartAsync(script, problem == Silent ? Short : null);
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await client.MeetAsync("'dailyPoints':['p'],'hourlyTokens':['t'],'deadDrop':'letter'");

        var error = await Assert.ThrowsAsync<RpcException>(() => UpgradeAsync(server));

        Assert.Equal((StatusCode.Aborted, $"the relay goes on as before: {problem}"), (error.StatusCode, error.Status.Detail));
        Assert.Equal(RelayPhase.Serving, server.Get<RelayState>().Phase);
        await AssertEndedAsync();
        var policy = new PolicyAdmin(server.Channel);
        await policy.SetPerIpAsync(77);
        Assert.Equal(77, await policy.PerIpAsync());
        await using var other = await TestClient.RegisterAsync(server, "BBBBBB");
        var found = await other.MeetAsync("'dailyPoints':['p'],'hourlyTokens':['t']");
        Assert.Equal((1, 1), (found.Drops().Length, found.Matches().Length));
        await client.ExpectAsync("rendezvous_match");
        await client.ExpectNothingAsync();
        await other.SendAsync("""{"type":"offer","target":"AAAAAA","payload":1}""");
        await client.ExpectAsync("offer");
        Assert.Equal([problem], (await AuditedAsync(server, "UpgradeFailed")).Select(entry => entry.After));
        Assert.Equal(["ok"], (await AuditedAsync(server, "Upgrade")).Select(entry => entry.Result));
        Assert.Equal(StatusCode.Aborted, (await Assert.ThrowsAsync<RpcException>(() => UpgradeAsync(server))).StatusCode);
    }

    [Fact]
    public async Task Upgrade_NewProcessIsKilledHalfWay_WhatWaitedForItIsDone()
    {
        await using var server = await StartAsync(Hello + Prepared + "exec sleep 1000");
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        var upgrade = UpgradeAsync(server);
        await Eventually.TrueAsync(() => IsReleased(server), "the database is released", TimeSpan.FromMinutes(1));

        // Whatever needs neither the database nor the policy's journal goes on; the rest waits.
        await using var visitor = await TestClient.RegisterAsync(server, "BBBBBB");
        await visitor.SendAsync("""{"type":"pair_request","targetCode":"AAAAAA"}""");
        await client.ExpectAsync("pair_incoming");
        var change = new PolicyAdmin(server.Channel).SetPerIpAsync(77);
        await client.PutAsync("'dailyPoints':['p'],'deadDrop':'letter'");
        await Eventually.TrueAsync(() => server.Get<Relay.Storage.Database>().Waiting > 0, "the database has something to do");
        Assert.False(change.IsCompleted);
        var second = await Assert.ThrowsAsync<RpcException>(() => UpgradeAsync(server));
        Assert.Equal((StatusCode.FailedPrecondition, "an upgrade is in progress"), (second.StatusCode, second.Status.Detail));

        using (var process = System.Diagnostics.Process.GetProcessById(Id()))
        {
            process.Kill();
        }

        Assert.Equal(StatusCode.Aborted, (await Assert.ThrowsAsync<RpcException>(() => upgrade)).StatusCode);
        await change;
        await client.ExpectAsync("rendezvous_result");
        Assert.Equal(77, await new PolicyAdmin(server.Channel).PerIpAsync());
    }

    [Fact]
    public async Task Upgrade_DatabaseHangs_IsGivenUp()
    {
        await using var server = await StartAsync(Hello + Prepared + "exec sleep 1000", Short);
        using var goOn = new ManualResetEventSlim();
        var hanging = server.Get<Relay.Storage.Database>().RunAsync(_ => goOn.Wait(TimeSpan.FromMinutes(2)));

        var error = await Assert.ThrowsAsync<RpcException>(() => UpgradeAsync(server));

        Assert.Equal("the relay goes on as before: the database has not finished within 2 s", error.Status.Detail);
        await new PolicyAdmin(server.Channel).SetPerIpAsync(77);
        goOn.Set();
        Assert.True(await hanging.WaitAsync(TimeSpan.FromMinutes(2), Token));
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await client.MeetAsync("'dailyPoints':['p'],'deadDrop':'letter'");
    }

    [Fact]
    public async Task Stop_InTheMiddleOfAnUpgrade_EndsBoth()
    {
        var server = await StartAsync(Hello + Prepared + "exec sleep 1000");
        var upgrade = UpgradeAsync(server);
        await Eventually.TrueAsync(() => IsReleased(server), "the database is released", TimeSpan.FromMinutes(1));

        await server.DisposeAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => upgrade);
        await AssertEndedAsync();
    }

    [Fact]
    public async Task Upgrade_ProgramIsGone_IsAborted()
    {
        await using var server = await RelayServer.StartAsync(configureServices: services => services.AddSingleton(new RunningProgram(["/nonexistent/relayd"], [])));
        server.ExpectedError = IsExpected;

        var error = await Assert.ThrowsAsync<RpcException>(() => UpgradeAsync(server));

        Assert.Equal(StatusCode.Aborted, error.StatusCode);
        Assert.StartsWith("the relay goes on as before: /nonexistent/relayd cannot be started: ", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upgrade_RelayDrains_IsRefused()
    {
        await using var server = await StartAsync("exit 0");
        server.Get<RelayState>().TryDrain();

        var error = await Assert.ThrowsAsync<RpcException>(() => UpgradeAsync(server));

        Assert.Equal((StatusCode.FailedPrecondition, "the relay drains, which a new process would not go on with; cancel that first (relayctl drain --cancel)"), (error.StatusCode, error.Status.Detail));
    }

    [Fact]
    public async Task Upgrade_OperatorIsNoAdmin_IsDenied()
    {
        using var authority = new TestAuthority();
        await using var server = await NetworkAdmin.StartAsync(authority);
        using var certificate = authority.IssueClient("O=Relay, CN=operate");
        using var caller = new NetworkAdmin(server, authority, certificate);

        var error = await Assert.ThrowsAsync<RpcException>(() => UpgradeAsync(caller.Channel));

        Assert.Equal(StatusCode.PermissionDenied, error.StatusCode);
        Assert.Contains("Upgrade requires role admin", error.Status.Detail, StringComparison.Ordinal);
    }

    private async Task<RelayServer> StartAsync(string script, TimeSpan? patience = null)
    {
        TestCluster.SkipWhereSpread("it looks into the one relay that is upgraded");
        var server = await RelayServer.StartAsync(configureServices: services => services
            .AddSingleton(new RunningProgram(["bash", "-c", $"echo $$ > {IdFile}; {script}"], []) { Patience = patience ?? TimeSpan.FromMinutes(2) }));
        server.ExpectedError = IsExpected;
        return server;
    }

    private static bool IsExpected(string error) => error.StartsWith("Upgrade failed, this process goes on as before", StringComparison.Ordinal);

    private static Task UpgradeAsync(RelayServer server) => UpgradeAsync(server.Channel);

    private static async Task UpgradeAsync(ChannelBase channel)
    {
        using var upgrade = new UpgradeService.UpgradeServiceClient(channel).Upgrade(new UpgradeRequest(), Call);
        while (await upgrade.ResponseStream.MoveNext(Token))
        {
        }
    }

    private static async Task<IReadOnlyList<AuditRecord>> AuditedAsync(RelayServer server, string method)
    {
        List<AuditRecord> entries = [];
        await Eventually.TrueAsync(
            async () =>
            {
                var all = await server.Admin.ListAuditAsync(new ListAuditRequest { PageSize = 100 }, Call);
                entries = [.. all.Entries.Where(entry => entry.Method == method)];
                return entries.Count > 0;
            },
            $"{method} is audited");
        return entries;
    }

    private int Id() => int.Parse(File.ReadAllText(IdFile), System.Globalization.CultureInfo.InvariantCulture);

    // Nobody holds the database's lock.
    private static bool IsReleased(RelayServer server)
    {
        try
        {
            using var held = new FileStream($"{server.Settings.Storage.File}-lock", FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private Task AssertEndedAsync() => Eventually.TrueAsync(() => !Directory.Exists($"/proc/{Id()}"), "the new process has ended");
}
