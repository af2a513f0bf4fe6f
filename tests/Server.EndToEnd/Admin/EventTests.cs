using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.Events;
using Relay.Transport;

namespace Relay.EndToEnd.Admin;

/// <summary>Each kind of event is logged, audited where the relay itself changed something, and streamed, though no operator ever called before.</summary>
public sealed class EventTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(60), cancellationToken: Cancel);

    [Fact]
    public async Task AutomaticBan_AndItsEnd_IsLoggedAuditedAndStreamed()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(
            settings => (settings.Admission.PerIp, settings.AutoBan.Threshold, settings.AutoBan.PrivateNetworks) = (1, 2, true), time);
        var log = LogCollector.Attach(server);
        await using var held = await TestClient.ConnectAsync(server);
        for (var i = 0; i < 2; i++)
        {
            using var refused = await RawClient.ConnectAsync(server);
            await refused.SendAsync(RawClient.Request());
            await refused.ReadHeadAsync();
        }

        await log.ContainsAsync("Banned 127.0.0.1 until ");
        time.Advance(server.Settings.AutoBan.Duration);
        await log.ContainsAsync("The automatic ban of 127.0.0.1 expired [ban_expired]");

        Assert.Equal(
            [("automatic_ban", "relayd"), ("ban_expired", "relayd")],
            (await PastAsync(server)).Where(told => told.Kind.Contains("ban", StringComparison.Ordinal)).Select(told => (told.Kind, told.Who)));
        await AuditedAsync(server, ("Ban", "relayd"), ("Unban", "relayd"));
    }

    /// <summary>The operators' calls are audited where they come in: their drain leaves no entry of the relay's state.</summary>
    [Fact]
    public async Task Drain_OfAnOperator_IsToldWithWhoAndWhyAndAuditedOnce()
    {
        await using var server = await RelayServer.StartAsync();
        var log = LogCollector.Attach(server);
        var connections = new AdminApi.ConnectionService.ConnectionServiceClient(server.Channel);
        using (var drain = connections.Drain(new DrainRequest { Reason = "upgrade" }, Call))
        {
            await drain.ResponseStream.MoveNext(Cancel);
            Assert.StartsWith("uid=", server.Get<RelayState>().Draining!.Who, StringComparison.Ordinal);
            await log.ContainsAsync("Drain started by ");
        }

        await connections.CancelDrainAsync(new CancelDrainRequest { Reason = "not today" }, Call);
        await log.ContainsAsync("Drain cancelled ");

        var told = await PastAsync(server);
        Assert.Equal(
            ["state_changed/", "state_changed/upgrade", "drain_started/upgrade", "drain_ended/", "state_changed/not today", "drain_cancelled/not today"],
            told.Select(happened => $"{happened.Kind}/{happened.Reason}"));
        Assert.All(told.Where(happened => happened.Reason.Length > 0), happened => Assert.StartsWith("uid=", happened.Who, StringComparison.Ordinal));
        Assert.Equal(1, log.Lines.Count(line => line.StartsWith("Drain started: ", StringComparison.Ordinal)));
        await AuditedAsync(server, ("CancelDrain", "uid"), ("Drain", "uid"), ("Drained", "relayd"));
    }

    [Fact]
    public async Task Disconnect_OfAnOperator_IsToldAndAuditedOnce()
    {
        await using var server = await RelayServer.StartAsync();
        var log = LogCollector.Attach(server);
        await using var client = await TestClient.ConnectAsync(server);
        await new AdminApi.ConnectionService.ConnectionServiceClient(server.Channel)
            .DisconnectAsync(new DisconnectRequest { Network = "127.0.0.0/8", Reason = "a test" }, Call);

        await log.ContainsAsync("1 client disconnected, by uid=");
        var told = (await PastAsync(server))[^1];
        Assert.Equal(("disconnected", "1 client disconnected", "a test"), (told.Kind, told.Text, told.Reason));
        await AuditedAsync(server, ("Disconnect", "uid"));
    }

    [Fact]
    public async Task PolicyChange_OfAnOperatorAndItsRevert_AreBothTold()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(time: time);
        await new PolicyAdmin(server.Channel).SetPerIpAsync(7, new ChangeOptions { Ttl = Duration.FromTimeSpan(TimeSpan.FromHours(1)), Reason = "a test" });
        time.Advance(TimeSpan.FromHours(1));

        IReadOnlyList<EventEntry> told = [];
        await Eventually.TrueAsync(
            () => (told = [.. server.Get<RelayEvents>().Last(10).Select(published => published.Event).Where(happened => happened.Kind == "policy_changed")
                .Select(happened => new EventEntry { Text = happened.Text, Who = happened.Who, Reason = happened.Reason })]).Count == 2,
            "two revisions");
        Assert.Equal(
            [("Limits changed: per-ip 50 -> 7, revision 2", "a test"), ("Limits changed: per-ip 7 -> 50, revision 3", "revision 2 expired")],
            told.Select(happened => (happened.Text, happened.Reason)));
        Assert.Equal("relayd", told[1].Who);
        await AuditedAsync(server, ("ChangePolicy", "uid"), ("Revert", "relayd"));
    }

    /// <summary>However many addresses are banned before and after, the revert that happens meanwhile is in the audit log.</summary>
    [Fact]
    public async Task Revert_AmidAFloodOfBans_IsAuditedAllTheSame()
    {
        const uint Flood = 10_000;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => settings.AutoBan.Threshold = 1, time);
        await new PolicyAdmin(server.Channel).SetPerIpAsync(7, new ChangeOptions { Ttl = Duration.FromTimeSpan(TimeSpan.FromHours(1)), Reason = "a test" });
        Ban(0);
        time.Advance(TimeSpan.FromHours(1));
        Ban(Flood);
        time.Advance(AutoBans.Interval);

        IReadOnlyList<AuditRecord> found = [];
        await Eventually.TrueAsync(
            () => (found = [.. server.Admin.ListAudit(new ListAuditRequest { Method = "Revert" }, Call).Entries]).Count == 1,
            "the revert");
        Assert.Equal(("relayd", "per-ip=7", "per-ip=50"), (found[0].Who, found[0].Before, found[0].After));
        await Eventually.TrueAsync(
            () => server.Admin.ListAudit(new ListAuditRequest { Method = "Ban", PageSize = 1000 }, Call).Entries.Any(entry => entry.What.StartsWith("more=", StringComparison.Ordinal)),
            "the bans that were not told of singly");

        void Ban(uint first)
        {
            for (var i = first; i < first + Flood; i++)
            {
                server.Get<AutoBans>().RecordViolation(IpKey.FromIpv4(0xCB000000 + i));
            }
        }
    }

    /// <summary>What only looks wrong is logged and streamed; nothing was changed, so nothing is audited.</summary>
    [Fact]
    public async Task ProxyWarningAndLedgerDrift_AreLoggedAndStreamed()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(time: time);
        server.ExpectedError = error => error.Contains("The ledger drifts", StringComparison.Ordinal);
        var log = LogCollector.Attach(server);
        for (var i = 0; i < 20; i++)
        {
            server.Get<ProxyMisconfiguration>().HeaderFromUntrustedPeer();
        }

        time.Advance(ProxyMisconfiguration.Interval);
        await log.ContainsAsync("100 % of new connections bring a proxy's headers");
        server.Get<ConnectionLedger>().TryAcquire(IpKey.From(System.Net.IPAddress.Parse("203.0.113.7")), time.GetTimestamp(), out var leaked);
        var run = server.Get<LedgerReconciler>().RunAsync(Cancel);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(50));
                return run.IsCompleted;
            },
            "three looks");
        await log.ContainsAsync("The ledger drifts from the open sockets by 1: ");
        leaked.Dispose();

        Assert.Equal(["state_changed", "proxy_warning", "ledger_drift"], (await PastAsync(server)).Select(told => told.Kind).Distinct().Take(3));
        await AuditedAsync(server);
    }

    /// <summary>A stop by signal that drains first is the relay's own doing.</summary>
    [Fact]
    public async Task Sigterm_StopDrain_IsAuditedAsRelayd()
    {
        await using var relay = await RelayProcess.StartAsync("--Sessions:StopDrain=10s");
        await relay.SignalAsync("TERM");
        Assert.Equal(0, await relay.ExitAsync());

        var file = Path.Combine(Path.GetDirectoryName(relay.SocketPath)!, "audit.jsonl");
        var states = File.ReadAllLines(file).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(entry => entry.GetProperty("method").GetString() == "State")
            .Select(entry => (entry.GetProperty("who").GetString(), entry.GetProperty("what").GetString(), entry.GetProperty("why").GetString()));
        Assert.Equal([("relayd", "draining", "SIGTERM"), ("relayd", "stopping", "SIGTERM")], states);
        Assert.Contains("Stopping: all connections are closed, by relayd (SIGTERM) [state_changed]", relay.Output, StringComparison.Ordinal);
    }

    private static async Task<IReadOnlyList<EventEntry>> PastAsync(RelayServer server)
    {
        using var watch = server.Admin.WatchEvents(new WatchEventsRequest { Past = 1024, PastOnly = true }, Call);
        var told = new List<EventEntry>();
        while (await watch.ResponseStream.MoveNext(Cancel))
        {
            told.Add(watch.ResponseStream.Current);
        }

        return told;
    }

    // Exactly these: the relay's own come from a reader of the stream.
    private static async Task AuditedAsync(RelayServer server, params (string Method, string Who)[] expected)
    {
        IReadOnlyList<(string Method, string Who)> found = [];
        await Eventually.TrueAsync(
            () => (found = [.. server.Admin.ListAudit(new ListAuditRequest(), Call).Entries.Select(entry => (entry.Method, entry.Who.Split('=')[0])).Order()]).Count >= expected.Length,
            "the entries");
        Assert.Equal(expected.Order(), found);
    }
}
