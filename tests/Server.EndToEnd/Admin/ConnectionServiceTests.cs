using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.Sessions;

namespace Relay.EndToEnd.Admin;

/// <summary>Client sockets one by one: listing, disconnecting, draining.</summary>
public sealed class ConnectionServiceTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task ListConnections_TwoClients_TellsWhoTheyAreAndNoCode()
    {
        await using var server = await RelayServer.StartAsync();
        await using var coded = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var nobody = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await coded.ExpectNothingAsync();

        var all = await Client(server).ListConnectionsAsync(new ListConnectionsRequest { Sort = ListConnectionsRequest.Types.Sort.Messages }, Call);

        Assert.Equal(["127.0.0.1", "127.0.0.2"], all.Connections.Select(row => row.Address));
        Assert.Equal((true, false, 2L), (all.Connections[0].HasCode, all.Connections[0].HasPeerId, all.Connections[0].MessagesReceived));
        Assert.True(all.Connections[0].BytesReceived > 0 && all.Connections[0].MessagesSent >= 4 && all.Connections[0].BytesSent > 0);
        Assert.DoesNotContain("AAAAAA", all.ToString(), StringComparison.Ordinal);
        var unregistered = await Client(server).ListConnectionsAsync(
            new ListConnectionsRequest { Kind = ListConnectionsRequest.Types.Kind.Unregistered, Cidr = "127.0.0.0/8" }, Call);
        Assert.Equal("127.0.0.2", Assert.Single(unregistered.Connections).Address);
    }

    [Fact]
    public async Task Disconnect_ByEachSelector_EndsThoseAlone()
    {
        await using var server = await RelayServer.StartAsync();
        await using var byCode = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var byNetwork = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await using var byId = await TestClient.ConnectAsync(server, from: "127.0.0.3");
        await using var stays = await TestClient.ConnectAsync(server, from: "127.0.0.4");
        var id = (await Client(server).ListConnectionsAsync(new ListConnectionsRequest { Cidr = "127.0.0.3" }, Call)).Connections[0].Id;

        var dry = await Client(server).DisconnectAsync(new DisconnectRequest { Network = "127.0.0.0/8", DryRun = true }, Call);
        Assert.Equal((4, 4), (dry.Connections, server.Live()));
        await Client(server).DisconnectAsync(new DisconnectRequest { PairingCode = "AAAAAA" }, Call);
        await Client(server).DisconnectAsync(new DisconnectRequest { Network = "127.0.0.2", CloseCode = 4000, CloseReason = "moved" }, Call);
        await Client(server).DisconnectAsync(new DisconnectRequest { Id = id, CloseCode = 1012 }, Call);

        Assert.Equal((1008, "Disconnected by the operator"), await byCode.ExpectCloseAsync());
        Assert.Equal((4000, "moved"), await byNetwork.ExpectCloseAsync());
        Assert.Equal((1012, "Disconnected by the operator"), await byId.ExpectCloseAsync());
        await stays.ExpectNothingAsync();
        Assert.Equal(0, (await Client(server).DisconnectAsync(new DisconnectRequest { PeerId = "nobody" }, Call)).Connections);
    }

    /// <summary>All that is given has to apply.</summary>
    [Fact]
    public async Task Disconnect_IdleForSoLong_EndsThoseAlone()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(time: time);
        await using var idle = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await using var registered = await TestClient.RegisterAsync(server, "AAAAAA");
        time.Advance(TimeSpan.FromSeconds(20));
        await using var recent = await TestClient.ConnectAsync(server, from: "127.0.0.3");
        var request = new DisconnectRequest { Idle = Duration.FromTimeSpan(TimeSpan.FromSeconds(20)), DryRun = true };

        Assert.Equal(2, (await Client(server).DisconnectAsync(request, Call)).Connections);
        Assert.Equal(1, (await Client(server).DisconnectAsync(new(request) { Network = "127.0.0.2" }, Call)).Connections);
        Assert.Equal(0, (await Client(server).DisconnectAsync(new(request) { Network = "127.0.0.3" }, Call)).Connections);
        Assert.Equal(0, (await Client(server).DisconnectAsync(new(request) { Idle = Duration.FromTimeSpan(TimeSpan.FromSeconds(21)) }, Call)).Connections);
        Assert.Equal(2, (await Client(server).DisconnectAsync(new DisconnectRequest { Kind = ListConnectionsRequest.Types.Kind.Unregistered, DryRun = true }, Call)).Connections);
        request = new(request) { Kind = ListConnectionsRequest.Types.Kind.Unregistered, DryRun = false };
        Assert.Equal("127.0.0.2", Assert.Single((await Client(server).DisconnectAsync(request, Call)).Sample).Address);
        var entry = await server.NewestAuditAsync();
        Assert.Equal("idle=20s kind=Unregistered", entry.What);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((1008, "Disconnected by the operator"), await idle.ExpectCloseAsync());
    }

    [Theory]
    [InlineData(0L, 0)]
    [InlineData(-5L, 0)]
    [InlineData(long.MaxValue, 0)]
    [InlineData(60L, -1)]
    [InlineData(60L, int.MaxValue)]
    public async Task Disconnect_ImpossibleIdle_IsInvalid(long seconds, int nanoseconds)
    {
        await using var server = await RelayServer.StartAsync();
        var request = new DisconnectRequest { Network = "127.0.0.1", Idle = new Duration { Seconds = seconds, Nanos = nanoseconds } };
        var error = await Assert.ThrowsAsync<RpcException>(async () => await Client(server).DisconnectAsync(request, Call));
        Assert.Equal((StatusCode.InvalidArgument, "idle: must be 1 s to 10 years"), (error.StatusCode, error.Status.Detail));
        error = await Assert.ThrowsAsync<RpcException>(async () => await Client(server).DisconnectAsync(new DisconnectRequest { Kind = (ListConnectionsRequest.Types.Kind)9 }, Call));
        Assert.StartsWith("kind: ", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Disconnect_ByCode_LeavesNoCodeInTheAudit()
    {
        await using var server = await RelayServer.StartAsync();
        await Client(server).DisconnectAsync(new DisconnectRequest { PairingCode = "SECRET", Reason = "why" }, Call);

        var audit = await server.Admin.ListAuditAsync(new ListAuditRequest(), Call);

        Assert.Contains("Disconnect", audit.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", audit.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "", null, "id")]
    [InlineData(1005, "", "127.0.0.1", "close_code")]
    [InlineData(2000, "", "127.0.0.1", "close_code")]
    [InlineData(5000, "", "127.0.0.1", "close_code")]
    [InlineData(0, "€", "127.0.0.1", "close_reason")]
    [InlineData(0, "", "somewhere", "network")]
    public async Task Disconnect_Mistaken_NamesTheField(int code, string repeated, string? network, string field)
    {
        await using var server = await RelayServer.StartAsync();
        var request = new DisconnectRequest { CloseCode = code, CloseReason = string.Concat(Enumerable.Repeat(repeated, 42)) };
        if (network is not null)
        {
            request.Network = network;
        }

        var error = await Assert.ThrowsAsync<RpcException>(async () => await Client(server).DisconnectAsync(request, Call));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.StartsWith(field + ":", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drain_ClosesAllRefusesNewcomersAndCanBeTakenBack()
    {
        await using var server = await RelayServer.StartAsync();
        await using var first = await TestClient.ConnectAsync(server);
        await using var second = await TestClient.ConnectAsync(server);
        using var drain = Client(server).Drain(new DrainRequest { Rate = 1000, Deadline = Duration.FromTimeSpan(TimeSpan.FromSeconds(10)) }, Call);
        Assert.True(await drain.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        Assert.Equal((1012, "Server draining"), await first.ExpectCloseAsync());
        Assert.Equal((1012, "Server draining"), await second.ExpectCloseAsync());
        using (var refused = await RawClient.ConnectAsync(server))
        {
            await refused.SendAsync(RawClient.Request());
            Assert.StartsWith("HTTP/1.1 503 ", await refused.ReadHeadAsync(), StringComparison.Ordinal);
        }

        DrainProgress last;
        do
        {
            last = drain.ResponseStream.Current;
        }
        while (await drain.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        Assert.Equal((DrainProgress.Types.State.Done, 0, 2), (last.State, last.Remaining, last.Closed));
        Assert.Equal("draining", (await server.Admin.GetStatsAsync(new GetStatsRequest(), Call)).State);
        await Client(server).CancelDrainAsync(new CancelDrainRequest(), Call);
        Assert.Equal("ready", (await server.Admin.GetStatsAsync(new GetStatsRequest(), Call)).State);
        await using var next = await TestClient.ConnectAsync(server);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await Client(server).CancelDrainAsync(new CancelDrainRequest(), Call));
        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
    }

    [Fact]
    public async Task Drain_AtTheDeadline_ClosesThoseLeftTogether()
    {
        await using var server = await RelayServer.StartAsync();
        var clients = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => TestClient.ConnectAsync(server)));

        using var drain = Client(server).Drain(new DrainRequest { Rate = 1, Deadline = Duration.FromTimeSpan(TimeSpan.FromSeconds(1)) }, Call);

        Assert.All(await Task.WhenAll(clients.Select(client => client.ExpectCloseAsync())), close => Assert.Equal(1012, close.Code));
    }

    [Fact]
    public async Task Drain_NewcomerInTheMiddleOfItsUpgrade_IsClosedToo()
    {
        await using var server = await RelayServer.StartAsync();
        server.Get<Drainer>().Start(rate: 1000, TimeSpan.FromMinutes(1));

        // As if it had been admitted just before.
        server.Get<AdmissionGate>().State.TryCancelDrain();
        await using var late = await TestClient.ConnectAsync(server);

        Assert.Equal((1012, "Server draining"), await late.ExpectCloseAsync());
    }

    [Fact]
    public async Task Drain_OfARelayThatStops_EndsWhenTheStopWouldHave()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(time: time);
        var clients = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => TestClient.ConnectAsync(server)));
        var drainer = server.Get<Drainer>();
        drainer.Start(rate: 1, TimeSpan.FromSeconds(10), isForStop: true);
        drainer.Start(rate: 1, TimeSpan.FromHours(1));
        Assert.False(drainer.Cancel());
        Assert.Equal(TimeSpan.FromSeconds(10), drainer.State().Estimate);

        time.Advance(TimeSpan.FromSeconds(10));

        Assert.All(await Task.WhenAll(clients.Select(client => client.ExpectCloseAsync())), close => Assert.Equal(1012, close.Code));
    }

    private static ConnectionService.ConnectionServiceClient Client(RelayServer server) => new(server.Channel);
}
