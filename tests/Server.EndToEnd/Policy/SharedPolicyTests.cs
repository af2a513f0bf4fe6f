using Grpc.Core;
using Relay.AdminApi;
using Relay.AuditLog;
using Relay.EndToEnd.Support;
using Relay.Events;
using Relay.Policy;
using Relay.TestKit;

namespace Relay.EndToEnd.Policy;

/// <summary>Relays on one PostgreSQL database: what an operator changes at one holds at all.</summary>
public sealed class SharedPolicyTests
{
    [Fact]
    public async Task SetLimit_AtOneRelay_IsInForceAtTheOther()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        await using var first = await StartAsync(connection);
        await using var second = await StartAsync(connection);
        var (here, there) = (new PolicyAdmin(first.Channel), new PolicyAdmin(second.Channel));

        var changed = await here.SetPerIpAsync(1);
        await Eventually.TrueAsync(() => second.Get<LimitPolicyStore>().Current.Revision == changed.Revision, "the other relay has the revision");

        Assert.Equal(1, await there.PerIpAsync());
        Assert.StartsWith("the database 'test", (await there.GetAsync()).JournalFile, StringComparison.Ordinal);
        await using var client = await TestClient.RegisterAsync(second, "AAAAAA");
        await using var rejected = await TestClient.ConnectAsync(second, greeted: false);
        Assert.Equal((1013, "Too many connections from this IP"), await rejected.ExpectCloseAsync());

        // In its history, its events and its audit log it is the operator's at the first relay.
        var revision = (await there.Client.ListRevisionsAsync(new ListRevisionsRequest(), PolicyAdmin.Call)).Revisions[0];
        Assert.Equal((changed.Revision, (await here.Client.ListRevisionsAsync(new ListRevisionsRequest(), PolicyAdmin.Call)).Revisions[0].Who), (revision.Revision_, revision.Who));
        var told = second.Get<RelayEvents>().Last(100).Select(published => published.Event).OfType<PolicyChanged>().Last();
        Assert.Equal((revision.Who, first.Settings.Cluster.NodeName), (told.Who, told.Node));
        await Eventually.TrueAsync(() => second.Get<AuditRecorder>().Read(new AuditQuery { Limit = 1 }).Entries is [{ Method: "ChangePolicy" }], "the audit has it");
        var entry = second.Get<AuditRecorder>().Read(new AuditQuery { Limit = 1 }).Entries[0];
        Assert.Equal(
            (revision.Who, $"revision={changed.Revision} node={first.Settings.Cluster.NodeName}", "per-ip=50", "per-ip=1"), (entry.Who, entry.What, entry.Before, entry.After));
    }

    [Fact]
    public async Task ExcessAndBan_AtOneRelay_DisconnectAtTheOtherAsWell()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        await using var first = await StartAsync(connection);
        await using var second = await StartAsync(connection);
        await using var older = await TestClient.RegisterAsync(second, "AAAAAA");
        await using var newer = await TestClient.RegisterAsync(second, "BBBBBB");

        await new PolicyAdmin(first.Channel).SetPerIpAsync(1, new ChangeOptions { Excess = Excess.EvictNewest });
        Assert.Equal((1013, "Server at capacity"), await newer.ExpectCloseAsync());

        await new PolicyAdmin(first.Channel).BanAsync("127.0.0.1", disconnect: true, force: true);
        Assert.Equal((1008, "Banned"), await older.ExpectCloseAsync());
    }

    [Fact]
    public async Task DatabaseAway_ChangesAreUnavailableAndAdmissionGoesOn()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var relay = await StartAsync(await server.CreateDatabaseAsync());
        relay.ExpectedError = error => error.Contains("cannot be reached", StringComparison.Ordinal) || error.Contains("pieces of work", StringComparison.Ordinal);
        var admin = new PolicyAdmin(relay.Channel);
        await admin.SetPerIpAsync(7);
        await server.KillAsync();
        await Eventually.TrueAsync(() => relay.Get<Relay.Storage.Database>().IsAway, "the relay has noticed");

        var refused = await Assert.ThrowsAsync<RpcException>(() => admin.SetPerIpAsync(8));
        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Matches("^The policy is in the database 'test1' on .*, and nothing was changed: it cannot be reached. Try again when `relayctl stats` does not show the database as away$", refused.Status.Detail);
        Assert.Equal(7, await admin.PerIpAsync());
        await using var client = await TestClient.RegisterAsync(relay, "AAAAAA");

        await server.RestartAsync();
        await Eventually.TrueAsync(() => !relay.Get<Relay.Storage.Database>().IsAway, "the relay has noticed");
        Assert.Equal(8, (await admin.SetPerIpAsync(8)).After.PerIp);
    }

    /// <summary>The bans of the cluster hold from the first connection, also when the relay and the database come back after a power failure and the database takes longer.</summary>
    [Fact]
    public async Task Start_DatabaseAwayButACopyThere_ServesAndCatchesUp()
    {
        await using var server = await PostgresServer.StartAsync();
        var connection = await server.CreateDatabaseAsync();
        var folder = Directory.CreateTempSubdirectory("relay-test-").FullName;
        try
        {
            var file = Path.Combine(folder, "policy.jsonl");
            await using (var before = await StartAsync(connection, file))
            {
                await new PolicyAdmin(before.Channel).SetPerIpAsync(1);
            }

            await server.KillAsync();
            await using var relay = await StartAsync(connection, file);
            relay.ExpectedError = error => error.Contains("cannot be reached", StringComparison.Ordinal) || error.Contains("pieces of work", StringComparison.Ordinal);
            await using var client = await TestClient.RegisterAsync(relay, "AAAAAA");
            await using var rejected = await TestClient.ConnectAsync(relay, greeted: false);
            Assert.Equal((1013, "Too many connections from this IP"), await rejected.ExpectCloseAsync());

            await server.RestartAsync();
            await Eventually.TrueAsync(() => !relay.Get<Relay.Storage.Database>().IsAway, "the relay has noticed");
            Assert.Equal(2, (await new PolicyAdmin(relay.Channel).SetPerIpAsync(2)).After.PerIp);
            await client.MeetAsync("'dailyPoints':['p'],'deadDrops':{'p':'letter'}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<RelayServer> StartAsync(string connection, string? file = null) => RelayServer.StartAsync(settings =>
    {
        settings.Storage.Connection = connection;
        settings.Admission.PerIp = 50;
        settings.Admission.PolicyFile = file ?? settings.Admission.PolicyFile;
    });
}
