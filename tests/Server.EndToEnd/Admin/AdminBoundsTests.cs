using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admin;

/// <summary>Floods and untrusted clients on the admin listeners do not keep operators out.</summary>
public sealed class AdminBoundsTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Failures_ManyOfOneAddress_AreTurnedAwayUnreadAndARightTokenIsHeard()
    {
        await using var server = await NetworkAdmin.StartAsync(null, configure: settings => settings.Admin.FailuresPerMinute = 3);
        using var stranger = new NetworkAdmin(server);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(StatusCode.Unauthenticated, await StatusAsync(stranger));
        }

        var error = await Assert.ThrowsAsync<RpcException>(() => stranger.Admin.GetStatsAsync(new GetStatsRequest(), Call).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Contains("too many calls from 127.0.0.1", error.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(3, (await server.Admin.ListAuditAsync(new ListAuditRequest(), Call)).Entries.Count);

        // The stranger's address is the operator's too, behind the same NAT.
        using var known = new NetworkAdmin(server, token: await server.TokenAsync(Role.Read));
        await known.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        Assert.Equal(1, (await server.Admin.ListAuditAsync(new ListAuditRequest { PageSize = 1 }, Call)).Entries[0].Omitted);
    }

    [Fact]
    public async Task Failures_AMinuteLater_AreReadAgain()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await NetworkAdmin.StartAsync(null, time, settings => settings.Admin.FailuresPerMinute = 1);
        using var stranger = new NetworkAdmin(server);
        Assert.Equal(StatusCode.Unauthenticated, await StatusAsync(stranger));
        Assert.Equal(StatusCode.ResourceExhausted, await StatusAsync(stranger));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(StatusCode.Unauthenticated, await StatusAsync(stranger));
    }

    [Fact]
    public async Task Connections_AllPlacesHeldByStrangers_TheOldestGivesWayToTheOperator()
    {
        await using var server = await NetworkAdmin.StartAsync(null, configure: settings => settings.Admin.MaxConnections = 3);
        var token = await server.TokenAsync(Role.Read);
        using var known = new NetworkAdmin(server, token: token);
        await known.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        var idle = new List<TcpClient>();
        for (var i = 0; i < 10; i++)
        {
            idle.Add(await DialAsync(server));
        }

        var connections = server.Get<AdminConnections>();
        await Eventually.TrueAsync(() => connections.Refused == 8, "eight untrusted clients gave way");
        Assert.Equal(3, connections.Count(AdminTransport.Tcp));
        using var another = new NetworkAdmin(server, token: token);
        await another.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        await known.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        idle.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Connections_AllPlacesHeldByTheKnown_NewcomersAreCutAndAPlaceComesBack()
    {
        await using var server = await NetworkAdmin.StartAsync(null, configure: settings => settings.Admin.MaxConnections = 2);
        var token = await server.TokenAsync(Role.Read);
        using var first = new NetworkAdmin(server, token: token);
        await first.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        using (var second = new NetworkAdmin(server, token: token))
        {
            await second.Admin.GetStatsAsync(new GetStatsRequest(), Call);
            using var third = new NetworkAdmin(server, token: token);
            var error = await Assert.ThrowsAsync<RpcException>(() => third.Admin.GetStatsAsync(new GetStatsRequest(), Call).ResponseAsync);
            Assert.True(error.StatusCode is StatusCode.Unavailable or StatusCode.Internal, error.Message);
        }

        await Eventually.TrueAsync(() => server.Get<AdminConnections>().Count(AdminTransport.Tcp) == 1, "a place is free");
        using var fourth = new NetworkAdmin(server, token: token);
        await fourth.Admin.GetStatsAsync(new GetStatsRequest(), Call);
    }

    [Fact]
    public async Task Requests_FasterThanTheRate_WaitForTheirTurnAndNobodyElseDoes()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await NetworkAdmin.StartAsync(null, time, settings => settings.Admin.RequestsPerSecond = 1);
        var token = await server.TokenAsync(Role.Read);
        using var fast = new NetworkAdmin(server, token: token);
        using var other = new NetworkAdmin(server, token: token);
        await fast.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        using var second = fast.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        await other.Admin.GetStatsAsync(new GetStatsRequest(), Call);

        // The clock stands still, so it cannot have been its turn.
        Assert.False(second.ResponseAsync.IsCompleted);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                return second.ResponseAsync.IsCompletedSuccessfully;
            },
            "its turn comes");
    }

    [Fact]
    public async Task AdminPort_PublicRequests_AreNotServed()
    {
        await using var server = await NetworkAdmin.StartAsync(null);
        using var http = new HttpClient { DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var page = await http.GetAsync(new Uri(NetworkAdmin.AddressOf(server), "/metrics"), TestContext.Current.CancellationToken);
        Assert.Equal(401, (int)page.StatusCode);

        using var client = await RawClient.ConnectAsync(NetworkAdmin.AddressOf(server).Port);
        await client.SendAsync(RawClient.Request());
        Assert.DoesNotContain("101", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(0, server.Live());
    }

    [Fact]
    public async Task PublicPort_AdminCalls_AreNotServed()
    {
        await using var server = await NetworkAdmin.StartAsync(null);
        using var channel = Grpc.Net.Client.GrpcChannel.ForAddress(server.Http);
        var error = await Assert.ThrowsAsync<RpcException>(() => new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest(), Call).ResponseAsync);
        Assert.NotEqual(StatusCode.OK, error.StatusCode);
        Assert.Equal(0, server.Get<AdminConnections>().Count(AdminTransport.Tcp));
    }

    private static async Task<StatusCode> StatusAsync(NetworkAdmin caller) =>
        (await Assert.ThrowsAsync<RpcException>(() => caller.Admin.GetStatsAsync(new GetStatsRequest(), Call).ResponseAsync)).StatusCode;

    private static async Task<TcpClient> DialAsync(RelayServer server)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", NetworkAdmin.AddressOf(server).Port, TestContext.Current.CancellationToken);
        return client;
    }
}
