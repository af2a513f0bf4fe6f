using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.AuditLog;

/// <summary>What the calls of operators leave in the audit file.</summary>
public sealed class AuditTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task ChangePolicy_Done_IsAuditedBeforeTheReplyWithBeforeAndAfter()
    {
        await using var server = await RelayServer.StartAsync();
        using var call = new PolicyService.PolicyServiceClient(server.Channel).ChangePolicyAsync(
            new ChangePolicyRequest { Set = new LimitSettings { PerIp = 40 }, Options = new ChangeOptions { Reason = "night\nshift" } }, Call);
        await call;

        var line = Assert.Single(await File.ReadAllLinesAsync(server.Settings.Audit.File, TestContext.Current.CancellationToken));
        Assert.Contains("\"why\":\"night\\nshift\"", line, StringComparison.Ordinal);
        var entry = await server.NewestAuditAsync();
        Assert.Equal(("ChangePolicy", "set={per_ip=40} options={}", "night\nshift", "ok", ""), (entry.Method, entry.What, entry.Why, entry.Result, entry.Text));
        Assert.Equal("per-ip=50", entry.Before);
        Assert.Equal("per-ip=40", entry.After);
        Assert.Equal(("admin", "unix", server.AdminSocketPath, 1), (entry.Role, entry.Transport, entry.Address, entry.Sequence));
        Assert.Matches($@"^uid=\d+(\(\w+\))? gid=\d+ pid={Environment.ProcessId}$", entry.Who);
        Assert.Equal(call.GetTrailers().GetValue("request-id"), entry.RequestId);
        Assert.Matches("^[0-9a-f]{16}$", entry.RequestId);
    }

    [Fact]
    public async Task ChangePolicy_Refused_IsAuditedWithStatusAndSentence()
    {
        await using var server = await RelayServer.StartAsync();
        var error = await Assert.ThrowsAsync<RpcException>(() =>
            new PolicyAdmin(server.Channel).SetPerIpAsync(1, new ChangeOptions { ExpectedRevision = 7 }));

        var entry = await server.NewestAuditAsync();
        Assert.Equal(("ABORTED", error.Status.Detail, "", ""), (entry.Result, entry.Text, entry.Before, entry.After));
        Assert.Equal("set={per_ip=1} options={expected_revision=7}", entry.What);
        Assert.Equal(error.Trailers.GetValue("request-id"), entry.RequestId);
        await Assert.ThrowsAsync<RpcException>(() => new PolicyAdmin(server.Channel).SetPerIpAsync(-1));
        Assert.Equal("INVALID_ARGUMENT", (await server.NewestAuditAsync()).Result);
    }

    [Fact]
    public async Task Reads_OfEveryKind_LeaveNothing()
    {
        await using var server = await RelayServer.StartAsync();
        await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        await server.Admin.VerifyAsync(new VerifyRequest(), Call);
        await Assert.ThrowsAsync<RpcException>(() => server.Admin.ListIpsAsync(new ListIpsRequest { PageSize = -1 }, Call).ResponseAsync);
        using (var watch = server.Admin.WatchStats(new WatchStatsRequest(), Call))
        {
            Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        }

        // They have an id all the same.
        using var read = server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        await read;
        Assert.Matches("^[0-9a-f]{16}$", read.GetTrailers().GetValue("request-id"));

        Assert.Empty((await server.Admin.ListAuditAsync(new ListAuditRequest(), Call)).Entries);
    }

    [Fact]
    public async Task Drain_RefusedOrBegun_LeavesOneEntryThatTellsWhich()
    {
        await using var server = await RelayServer.StartAsync();
        var client = new ConnectionService.ConnectionServiceClient(server.Channel);
        using (var refused = client.Drain(new DrainRequest { Rate = -1 }, Call))
        {
            await Assert.ThrowsAsync<RpcException>(() => refused.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        }

        var entry = Assert.Single((await server.Admin.ListAuditAsync(new ListAuditRequest(), Call)).Entries);
        Assert.Equal(("Drain", "INVALID_ARGUMENT", "rate: -1 is not in 0 to 100,000"), (entry.Method, entry.Result, entry.Text));

        await using var held = await TestClient.ConnectAsync(server);
        using (var begun = client.Drain(new DrainRequest { Rate = 1, Reason = "upgrade" }, Call))
        {
            // Told while it goes on, not only when it is over.
            Assert.True(await begun.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            entry = (await server.Admin.ListAuditAsync(new ListAuditRequest { Method = "Drain" }, Call)).Entries.First(line => line.Who != "relayd");
            Assert.Equal(("Drain", "ok", "upgrade"), (entry.Method, entry.Result, entry.Why));
        }

        await client.CancelDrainAsync(new CancelDrainRequest(), Call);
        Assert.Equal(["CancelDrain", "Drain", "Drain"], (await server.Admin.ListAuditAsync(new ListAuditRequest(), Call)).Entries.Where(line => line.Who != "relayd").Select(line => line.Method));
    }

    [Fact]
    public async Task ListAudit_ManyEntries_PagesNewestFirstAndFilters()
    {
        await using var server = await RelayServer.StartAsync();
        for (var limit = 1; limit <= 5; limit++)
        {
            await new PolicyAdmin(server.Channel).SetPerIpAsync(limit);
        }

        var first = await server.Admin.ListAuditAsync(new ListAuditRequest { PageSize = 3 }, Call);
        Assert.Equal(["set={per_ip=5}", "set={per_ip=4}", "set={per_ip=3}"], first.Entries.Select(entry => entry.What));
        await new PolicyAdmin(server.Channel).SetPerIpAsync(6);
        var second = await server.Admin.ListAuditAsync(new ListAuditRequest { PageSize = 3, PageToken = first.NextPageToken }, Call);
        Assert.Equal(["set={per_ip=2}", "set={per_ip=1}"], second.Entries.Select(entry => entry.What));
        Assert.Equal("", second.NextPageToken);

        Assert.Equal([6L], (await server.Admin.ListAuditAsync(new ListAuditRequest { AfterSequence = 5 }, Call)).Entries.Select(entry => entry.Sequence));
        Assert.Equal(6, (await server.Admin.ListAuditAsync(new ListAuditRequest { Who = $"PID={Environment.ProcessId}", Method = "change-policy" }, Call)).Entries.Count);
        Assert.Empty((await server.Admin.ListAuditAsync(new ListAuditRequest { Who = "nobody else" }, Call)).Entries);
    }

    [Fact]
    public async Task ListAudit_BadFields_AreAllNamed()
    {
        await using var server = await RelayServer.StartAsync();
        var request = new ListAuditRequest
        {
            PageSize = 1001,
            PageToken = "what",
            Who = new string('x', 257),
            Method = new string('x', 257),
            Since = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = long.MaxValue },
        };
        var error = await Assert.ThrowsAsync<RpcException>(() => server.Admin.ListAuditAsync(request, Call).ResponseAsync);

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.All(["page_size", "page_token", "who", "method", "since"], (string field) => Assert.Contains($"{field}: ", error.Status.Detail, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ListAudit_NoFile_SaysSoAndChangesStillWork()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Audit.File = "");
        await new PolicyAdmin(server.Channel).SetPerIpAsync(40);

        var error = await Assert.ThrowsAsync<RpcException>(() => server.Admin.ListAuditAsync(new ListAuditRequest(), Call).ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
    }

    [Fact]
    public async Task ChangePolicy_AuditCannotBeWritten_StandsAndTheEntryIsInTheLog()
    {
        await using var server = await RelayServer.StartAsync();
        server.ExpectedError = error => error.Contains("could not be written", StringComparison.Ordinal);
        var log = LogCollector.Attach(server);
        File.Delete(server.Settings.Audit.File);
        Directory.CreateDirectory(server.Settings.Audit.File);
        await new PolicyAdmin(server.Channel).SetPerIpAsync(40, new ChangeOptions { Reason = "full disk" });

        Assert.Equal(40, await new PolicyAdmin(server.Channel).PerIpAsync());
        Assert.Contains("\"why\":\"full disk\"", Assert.Single(log.Lines, line => line.Contains("could not be written", StringComparison.Ordinal)), StringComparison.Ordinal);
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(server.Http, "/metrics"), TestContext.Current.CancellationToken);
        Assert.Contains("relay_audit_log_failed_total{} 1", metrics, StringComparison.Ordinal);
    }
}
