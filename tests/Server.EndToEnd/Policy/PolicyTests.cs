using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.Sessions;

namespace Relay.EndToEnd.Policy;

/// <summary>Changes of the policy over the admin socket, and what clients see of them.</summary>
public sealed class PolicyTests
{
    private static readonly (int, string) Full = (1013, "Too many connections from this IP");

    [Fact]
    public async Task ChangePolicy_DryRun_SaysWhatWouldBeAndChangesNothing()
    {
        await using var server = await RelayServer.StartAsync(Guests.Trust);
        using var guests = new Guests(server);
        for (var i = 0; i < 3; i++)
        {
            await guests.ComeAsync("203.0.113.1");
        }

        var admin = new PolicyAdmin(server.Channel);
        var answer = await admin.SetPerIpAsync(1, new ChangeOptions { DryRun = true, Excess = Excess.EvictNewest });
        Assert.Equal((1, 1, 2, 2), (answer.RevisionBefore, answer.Revision, answer.Effect.SocketsOver, answer.Evicted));
        Assert.Equal(("203.0.113.1", 3, 1), (answer.Effect.Over[0].Key, answer.Effect.Over[0].Connections, answer.Effect.Over[0].Limit));
        Assert.Equal((3, 2), (answer.Effect.Admissions, answer.Effect.AdmissionsRefused));

        Assert.Equal((50, 1), (await admin.PerIpAsync(), (await admin.GetAsync()).Revision));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
        Assert.Equal(4, server.Live());
    }

    [Fact]
    public async Task ChangePolicy_AfterTheReply_HoldsForTheNextConnection()
    {
        await using var server = await RelayServer.StartAsync(Guests.Trust);
        using var guests = new Guests(server);
        var admin = new PolicyAdmin(server.Channel);
        await guests.ComeAsync("203.0.113.1");
        for (var i = 0; i < 10; i++)
        {
            await admin.SetPerIpAsync(1);
            Assert.Equal(Full, await guests.ComeAsync("203.0.113.1"));
            await admin.Client.RollbackPolicyAsync(new RollbackPolicyRequest { Revision = 1 }, PolicyAdmin.Call);
            Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
        }
    }

    [Fact]
    public async Task HoldFor_WithAStartInTheMiddle_IsTakenBackInTime()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var folder = Directory.CreateTempSubdirectory("relay-policy-");
        try
        {
            await using (var server = await StartAsync())
            {
                await new PolicyAdmin(server.Channel).SetPerIpAsync(1, PolicyAdmin.Holding(TimeSpan.FromMinutes(30)));
            }

            time.Advance(TimeSpan.FromMinutes(20));
            await using (var server = await StartAsync())
            {
                using var guests = new Guests(server);
                Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
                Assert.Equal(Full, await guests.ComeAsync("203.0.113.1"));
                time.Advance(TimeSpan.FromMinutes(10));
                Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        Task<RelayServer> StartAsync() => RelayServer.StartAsync(
            settings =>
            {
                Guests.Trust(settings);
                settings.Admission.PolicyFile = Path.Combine(folder.FullName, "policy.jsonl");
            },
            time);
    }

    [Fact]
    public async Task ConfirmWithin_NobodyConfirms_IsTakenBack()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(Guests.Trust, time);
        using var guests = new Guests(server);
        var admin = new PolicyAdmin(server.Channel);
        var options = new ChangeOptions { ConfirmWithin = Duration.FromTimeSpan(TimeSpan.FromMinutes(1)) };
        await admin.SetPerIpAsync(1, options);
        await guests.ComeAsync("203.0.113.1");
        Assert.Equal(Full, await guests.ComeAsync("203.0.113.1"));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
        Assert.Equal(StatusCode.FailedPrecondition, await PolicyAdmin.CodeAsync(async () => await admin.Client.ConfirmPolicyAsync(new(), PolicyAdmin.Call)));

        await admin.SetPerIpAsync(1, options);
        await admin.Client.ConfirmPolicyAsync(new(), PolicyAdmin.Call);
        var confirmed = await server.NewestAuditAsync();
        Assert.Equal(("ConfirmPolicy", "", "confirmed=4"), (confirmed.Method, confirmed.What, confirmed.After));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await admin.PerIpAsync());
    }

    [Theory]
    [InlineData("Keep", "")]
    [InlineData("EvictNewest", "4 3")]
    [InlineData("EvictIdle", "2 3")]
    public async Task Existing_AboveTheNewLimit_TheRightSocketsGoOneByOne(string existing, string go)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.EvictionsPerSecond = 20, time);
        var clients = new List<TestClient>();
        for (var i = 0; i < 4; i++)
        {
            clients.Add(await TestClient.ConnectAsync(server));
            time.Advance(TimeSpan.FromMilliseconds(100));
        }

        // The oldest and the newest have something to say.
        await clients[0].ExpectNothingAsync();
        await clients[3].ExpectNothingAsync();
        await new PolicyAdmin(server.Channel).SetPerIpAsync(2, new ChangeOptions { Excess = System.Enum.Parse<Excess>(existing) });

        var gone = go.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => clients[int.Parse(number, null) - 1]).ToList();
        foreach (var client in gone)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            Assert.InRange(server.Get<SessionTable>().All.Count(session => session.IsClosing), 0, 1);
            Assert.Equal((1013, "Server at capacity"), await client.ExpectCloseAsync());
            await client.DisposeAsync();
            await server.LiveIsAsync(4 - gone.IndexOf(client) - 1);
        }

        time.Advance(TimeSpan.FromMilliseconds(200));
        foreach (var client in clients.Except(gone))
        {
            await client.ExpectNothingAsync();
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Existing_SocketsOfUnlimitedNetworks_AreNotClosedToMakeRoom()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.Overrides = ["127.0.0.2=unlimited"]);
        await using var free = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await using var first = await TestClient.ConnectAsync(server);
        await using var second = await TestClient.ConnectAsync(server);
        var answer = await new PolicyAdmin(server.Channel).SetAsync(new LimitSettings { Total = 1 }, new ChangeOptions { Excess = Excess.EvictIdle });

        Assert.Equal(1, answer.Evicted);
        await server.LiveIsAsync(1);
        await free.ExpectNothingAsync();
    }

    [Fact]
    public async Task ExpectedRevision_TwoAdminsRace_OneIsAborted()
    {
        await using var server = await RelayServer.StartAsync();
        var admin = new PolicyAdmin(server.Channel);
        for (var revision = 1; revision <= 5; revision++)
        {
            var options = new ChangeOptions { ExpectedRevision = revision };
            var codes = await Task.WhenAll(Enumerable.Range(10 * revision, 2).Select(value => PolicyAdmin.CodeAsync(() => admin.SetPerIpAsync(value, options))));
            Assert.Equal([StatusCode.OK, StatusCode.Aborted], codes.Order());
        }

        Assert.Equal(6, (await admin.GetAsync()).Revision);
    }

    [Fact]
    public async Task Shadow_ThatIsStricter_IsCountedAndLetsIn()
    {
        await using var server = await RelayServer.StartAsync(Guests.Trust);
        using var guests = new Guests(server);
        var admin = new PolicyAdmin(server.Channel);
        await admin.Client.ChangePolicyAsync(new ChangePolicyRequest { Shadow = new ShadowChange { Set = new LimitSettings { PerIp = 1 } } }, PolicyAdmin.Call);
        await guests.ComeAsync("203.0.113.1");
        Assert.Equal(Guests.Admitted, await guests.ComeAsync("203.0.113.1"));
        Assert.Equal(1, (await admin.GetAsync()).Shadow.WouldRefuse["per_ip_limit"]);

        await admin.Client.PromoteShadowAsync(new ShadowRequest(), PolicyAdmin.Call);
        Assert.Equal(Full, await guests.ComeAsync("203.0.113.1"));
        Assert.Null((await admin.GetAsync()).Shadow);
    }
}
