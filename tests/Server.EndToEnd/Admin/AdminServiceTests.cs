using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admin;

public sealed class AdminServiceTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task GetStats_FullServer_AnswersWithTheRightFigures()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.Total, settings.Admission.PerIp) = (3, 2));
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.ConnectAsync(server);
        await using var overPerIp = await TestClient.ConnectAsync(server, greeted: false);
        await using var c = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await using var overTotal = await TestClient.ConnectAsync(server, from: "127.0.0.3", greeted: false);
        await overPerIp.ExpectCloseAsync();
        await overTotal.ExpectCloseAsync();

        var stats = await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        Assert.Equal((3, 3, 2, 3, 1), (stats.Connections.Current, stats.Connections.Peak, stats.Connections.Addresses, stats.Connections.AdmittedTotal, stats.Connections.Signaling));
        Assert.Equal((1, 1, 0), (stats.Refused.TotalLimit, stats.Refused.PerIpLimit, stats.Refused.Stopping));
        Assert.Equal((3, 2, 64, 1), (stats.Limits.Total, stats.Limits.PerIp, stats.Limits.Ipv6Prefix, stats.Limits.Revision));
        Assert.Equal(("ready", "low", 1, 1), (stats.State, stats.Pairing.CollisionRisk, stats.Pairing.ActiveCodes, stats.Pairing.RegistrationsTotal));
        Assert.StartsWith("ed25519:", stats.ServerId, StringComparison.Ordinal);
        Assert.True(stats.Process.OpenFiles > 0 && stats.Process.OpenFilesLimit > 0 && stats.Process.ResidentBytes > 0);

        await a.CloseAsync();
        await server.LiveIsAsync(2);
        stats = await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        Assert.Equal((2, 3, 0), (stats.Connections.Current, stats.Connections.Peak, stats.Connections.Signaling));
        Assert.Equal(1, stats.Connections.ClosedTotal["peer_closed"]);
    }

    [Fact]
    public async Task WatchStats_CallerCancels_StreamsAndEnds()
    {
        await using var server = await RelayServer.StartAsync();
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var watch = server.Admin.WatchStats(
            new WatchStatsRequest { Interval = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(100)) }, Call.WithCancellationToken(cancel.Token));
        Timestamp? before = null;
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await watch.ResponseStream.MoveNext(cancel.Token));
            Assert.True(before is null || watch.ResponseStream.Current.Time > before);
            before = watch.ResponseStream.Current.Time;
        }

        await cancel.CancelAsync();
        var error = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(99)]
    [InlineData(-100)]
    [InlineData(3_600_001)]
    public async Task WatchStats_IntervalOutOfRange_IsInvalid(int milliseconds)
    {
        await using var server = await RelayServer.StartAsync();
        using var watch = server.Admin.WatchStats(
            new WatchStatsRequest { Interval = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(milliseconds)) }, Call);

        await InvalidAsync(() => watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken), "interval");
    }

    [Fact]
    public async Task ListIps_ManyAddresses_PagesSortsAndFilters()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 2);
        var clients = new List<RawClient>();
        foreach (var from in new[] { "127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.1.3" })
        {
            clients.Add(await RawClient.UpgradeAsync(server, from));
        }

        var first = await server.Admin.ListIpsAsync(new ListIpsRequest { PageSize = 2 }, Call);
        Assert.Equal(["127.0.0.2", "127.0.0.1"], first.Ips.Select(row => row.Key));
        Assert.Equal(3, first.TotalSize);
        Assert.Equal((2, 2, 2, 1, 2), (first.Ips[0].Connections, first.Ips[0].Peak, first.Ips[0].Admitted, first.Ips[0].Refused, first.Ips[0].Limit));
        var second = await server.Admin.ListIpsAsync(new ListIpsRequest { PageSize = 2, PageToken = first.NextPageToken }, Call);
        Assert.Equal("127.0.1.3", Assert.Single(second.Ips).Key);
        Assert.Equal("", second.NextPageToken);

        Assert.Equal(["127.0.1.3", "127.0.0.2", "127.0.0.1"], await KeysAsync(new ListIpsRequest { Sort = ListIpsRequest.Types.Sort.Recent }));
        Assert.Equal("127.0.0.2", (await KeysAsync(new ListIpsRequest { Sort = ListIpsRequest.Types.Sort.Refused }))[0]);
        Assert.Equal(["127.0.1.3"], await KeysAsync(new ListIpsRequest { Cidr = "127.0.1.0/24" }));
        Assert.Equal(["127.0.0.1"], await KeysAsync(new ListIpsRequest { Cidr = "127.0.0.1" }));
        Assert.Empty(await KeysAsync(new ListIpsRequest { Cidr = "2001:db8::/32" }));

        // A token is of its own list only.
        await InvalidAsync(() => KeysAsync(new ListIpsRequest { PageToken = first.NextPageToken, Cidr = "127.0.0.0/8" }), "page_token");
        clients.ForEach(client => client.Dispose());

        async Task<string[]> KeysAsync(ListIpsRequest request) =>
            [.. (await server.Admin.ListIpsAsync(request, Call)).Ips.Select(row => row.Key)];
    }

    [Fact]
    public async Task ListIps_BadFields_AreAllNamed()
    {
        await using var server = await RelayServer.StartAsync();
        var request = new ListIpsRequest { PageSize = 1001, PageToken = "what", Sort = (ListIpsRequest.Types.Sort)9, Cidr = "10.0.0.0/33" };

        await InvalidAsync(() => server.Admin.ListIpsAsync(request, Call).ResponseAsync, "page_size", "page_token", "sort", "cidr");
        await InvalidAsync(() => server.Admin.ListIpsAsync(new ListIpsRequest { PageSize = -1 }, Call).ResponseAsync, "page_size");
        await server.Admin.ListIpsAsync(new ListIpsRequest { PageSize = 1000 }, Call);
    }

    [Fact]
    public async Task ChangePolicy_LoweredBelowTheCount_DisconnectsNobodyAndRefusesUntilItHasFallen()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.ConnectAsync(server);
        await using var b = await TestClient.ConnectAsync(server);
        await using var c = await TestClient.ConnectAsync(server);

        var reply = await new PolicyAdmin(server.Channel).SetAsync(new LimitSettings { Total = 2, PerIp = 1 });
        Assert.Equal((3, 1, 10_000, 2, 2), (reply.Effect.Connections, reply.Effect.AddressesOver, reply.Before.Total, reply.After.Total, reply.Revision));
        Assert.Contains(reply.Warnings, text => text.Contains("no client is disconnected, new connections are refused", StringComparison.Ordinal));
        Assert.Contains(reply.Warnings, text => text.Contains("1 address holds more than 1 connections", StringComparison.Ordinal));
        await a.ExpectNothingAsync();
        Assert.Equal("Server at capacity", await RefusedAsync(server));

        await a.CloseAsync();
        await b.CloseAsync();
        await server.LiveIsAsync(1);
        Assert.Equal("Too many connections from this IP", await RefusedAsync(server));
        await c.CloseAsync();
        await server.LiveIsAsync(0);
        await using var d = await TestClient.ConnectAsync(server);
        Assert.Equal(1, server.Live());
    }

    [Fact]
    public async Task ChangePolicy_Raised_AdmitsAtOnce()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 1);
        await using var a = await TestClient.ConnectAsync(server);
        for (var limit = 2; limit < 6; limit++)
        {
            Assert.Equal("Too many connections from this IP", await RefusedAsync(server));
            var reply = await new PolicyAdmin(server.Channel).SetPerIpAsync(limit);
            Assert.Empty(reply.Warnings);
            using var next = await RawClient.UpgradeAsync(server, "127.0.0.1");
            Assert.Equal(1, (await next.ReadFrameAsync()).Opcode);
            await new PolicyAdmin(server.Channel).SetPerIpAsync(1);
        }
    }

    [Fact]
    public async Task ChangePolicy_StaleRevision_IsAbortedAndNothingChanges()
    {
        await using var server = await RelayServer.StartAsync();
        await new PolicyAdmin(server.Channel).SetPerIpAsync(40, new ChangeOptions { ExpectedRevision = 1 });

        var error = await Assert.ThrowsAsync<RpcException>(() =>
            new PolicyAdmin(server.Channel).SetPerIpAsync(30, new ChangeOptions { ExpectedRevision = 1 }));
        Assert.Equal(StatusCode.Aborted, error.StatusCode);
        Assert.Equal("Revision conflict: expected 1, current is 2.", error.Status.Detail);
        var policy = await new PolicyAdmin(server.Channel).GetAsync();
        Assert.Equal((10_000, 40, 2), (policy.Limits.Total, policy.Limits.PerIp, policy.Revision));
    }

    [Fact]
    public async Task ChangePolicy_BadFields_AreNamedAndNothingChanges()
    {
        await using var server = await RelayServer.StartAsync();
        await SetAsync(new LimitSettings { Total = 0, PerIp = -1 }, null, "set.total", "set.per_ip");
        await SetAsync(new LimitSettings { Total = 1_000_001 }, null, "set.total");
        await SetAsync(new LimitSettings { Per56 = new TierLimit(), Per48 = new TierLimit { Multiple = 0 } }, null, "set.per_56");
        await SetAsync(new LimitSettings { Per48 = new TierLimit { Multiple = 0 }, RatePerIp = new ConnectRate { Connections = -1 } }, null, "set.per_48", "set.rate_per_ip");
        await SetAsync(new LimitSettings { RateTotal = new ConnectRate { Off = true, Burst = 3 } }, null, "set.rate_total");
        await SetAsync(new LimitSettings { OverloadLevel = (OverloadMode)9, Unresolved = (UnresolvedClients)9 }, null, "set.unresolved", "set.overload_level");
        await SetAsync(new LimitSettings { PerIp = 5 }, new ChangeOptions { Reason = new string('x', 257), Excess = (Excess)9 }, "options.reason", "options.excess");
        await SetAsync(new LimitSettings(), new ChangeOptions { Reason = "none given" }, "set");
        var admin = new PolicyAdmin(server.Channel);
        await InvalidAsync(() => admin.OverrideAsync(new Override { Network = "203.0.113.0/24" }), "set_overrides[0]");
        await InvalidAsync(() => admin.OverrideAsync(new Override { Network = "203.0.113.1/24", Deny = true }), "set_overrides[0]");
        await InvalidAsync(() => admin.Client.ResetPolicyAsync(new ResetPolicyRequest { Items = { "per-ips" } }, Call).ResponseAsync, "items");
        await InvalidAsync(() => admin.Client.ResetPolicyAsync(new ResetPolicyRequest(), Call).ResponseAsync, "items");

        Assert.Equal(1, (await admin.GetAsync()).Revision);

        Task SetAsync(LimitSettings limits, ChangeOptions? options, params string[] fields) =>
            InvalidAsync(() => new PolicyAdmin(server.Channel).SetAsync(limits, options), fields);
    }

    [Fact]
    public async Task ChangePolicy_TotalBelowPerIp_IsAcceptedWithAWarning()
    {
        await using var server = await RelayServer.StartAsync();
        var reply = await new PolicyAdmin(server.Channel).SetAsync(new LimitSettings { Total = 10, PerIp = 20 }, new ChangeOptions { Reason = new string('x', 256) });

        Assert.Equal((10, 20), (reply.After.Total, reply.After.PerIp));
        Assert.Contains("below the limit per address", Assert.Single(reply.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChangePolicy_Changed_IsLoggedWithUserAndCleanReason()
    {
        await using var server = await RelayServer.StartAsync();
        var log = LogCollector.Attach(server);
        await new PolicyAdmin(server.Channel).SetPerIpAsync(40, new ChangeOptions { Reason = "night\r\nfail: forged\u001b[0m" });

        await log.ContainsAsync("Limits changed: ");
        var line = Assert.Single(log.Lines, line => line.StartsWith("Limits changed: ", StringComparison.Ordinal));
        Assert.Matches(@"uid=\d+(\(\w+\))? gid=\d+ pid=\d+ \(night  fail: forged \[0m\)", line);
        Assert.Contains("per-ip 50 -> 40, revision 2", line, StringComparison.Ordinal);
        Assert.Contains($"pid={Environment.ProcessId} ", line, StringComparison.Ordinal);

        await new PolicyAdmin(server.Channel).SetPerIpAsync(30);
        await log.ContainsAsync("Limits changed: per-ip 40 -> 30, revision 3, by uid=");
        Assert.Contains(log.Lines, line => line.EndsWith(" (no reason given) [policy_changed]", StringComparison.Ordinal));
    }

    private static async Task<string> RefusedAsync(RelayServer server)
    {
        using var refused = await RawClient.UpgradeAsync(server);
        return (await refused.ReadCloseAsync()).Reason;
    }

    private static async Task InvalidAsync(Func<Task> call, params string[] fields)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Equal(fields, error.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations.Select(violation => violation.Field));
    }
}
