using Grpc.Core;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Configuration;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.ClientAuth;

/// <summary>Clients that are counted, listed, banned and disconnected by who they are.</summary>
public sealed class SubjectTests : IDisposable
{
    private const string Full = "1013 Too many connections of this subject";
    private const string Unlimited = "\"unlimited\":true,";

    private readonly TokenIssuer _issuer = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-auth-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _issuer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>An office behind one address is counted by person.</summary>
    [Fact]
    public async Task Office_BehindOneAddress_IsCountedByPerson()
    {
        await using var server = await StartAsync(settings => (settings.Admission.PerIp, settings.ClientAuth.PerSubject) = (2, 1));
        var office = new List<TestClient>();
        for (var i = 0; i < 10; i++)
        {
            office.Add(await AuthClient.ConnectAsync(server, _issuer.Token($"p{i}", more: Unlimited)));
        }

        Assert.Equal(Full, await AuthClient.TryAsync(server, _issuer.Token("p3", more: Unlimited)));
        Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Token("q", more: Unlimited)));

        // Who is not unlimited counts by address as well, and the office takes nothing of that.
        await using var first = await AuthClient.ConnectAsync(server, _issuer.Token("a"));
        await using var second = await AuthClient.ConnectAsync(server, _issuer.Token("b"));
        Assert.Equal("1013 Too many connections from this IP", await AuthClient.TryAsync(server, _issuer.Token("c")));
        Assert.Equal(12, server.Get<ConnectionLedger>().Total);
        Assert.Equal(0, (await server.Admin.VerifyAsync(new VerifyRequest(), cancellationToken: Token)).Drift);
        foreach (var client in office)
        {
            await client.DisposeAsync();
        }

        await Eventually.TrueAsync(() => server.Get<ConnectionLedger>().Total == 2, "the office has gone home");
        Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Token("p3", more: Unlimited)));
    }

    [Fact]
    public async Task Subject_ManyAtOnceFromManyAddresses_NeverHasMoreThanItsLimit()
    {
        await using var server = await StartAsync();
        var token = _issuer.Token("alice", more: "\"max_connections\":3,");
        var clients = new List<TestClient>();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            try
            {
                var client = await AuthClient.ConnectAsync(server, token, $"127.0.0.{2 + (i % 8)}");
                lock (clients)
                {
                    clients.Add(client);
                }

                return "in";
            }
            catch (System.Net.WebSockets.WebSocketException exception)
            {
                return exception.Message.Replace("closed ", "", StringComparison.Ordinal);
            }
        }));

        Assert.Equal(3, outcomes.Count(outcome => outcome == "in"));
        Assert.Equal(21, outcomes.Count(outcome => outcome == Full));
        var row = Assert.Single((await server.Admin.ListIpsAsync(new ListIpsRequest { Subjects = true }, cancellationToken: Token)).Ips);
        Assert.Equal(("alice", 3L, 3L, 3, 21L), (row.Key, row.Connections, row.Peak, row.Limit, row.Refused));
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        await Eventually.TrueAsync(() => server.Get<ConnectionLedger>().Totals() is { Live: 0, SubjectsHolding: 0 }, "all have gone");
    }

    [Fact]
    public async Task Lists_ShowPeopleAndAddressesApart()
    {
        await using var server = await StartAsync();
        await using var alice = await AuthClient.ConnectAsync(server, _issuer.Token("alice"));
        await using var bob = await AuthClient.ConnectAsync(server, _issuer.Token("bob", more: Unlimited));
        var connections = new ConnectionService.ConnectionServiceClient(server.Channel);

        Assert.Equal(["alice", "bob"], (await server.Admin.ListIpsAsync(new ListIpsRequest { Subjects = true }, cancellationToken: Token)).Ips.Select(ip => ip.Key).Order());
        var address = Assert.Single((await server.Admin.ListIpsAsync(new ListIpsRequest(), cancellationToken: Token)).Ips);
        Assert.Equal(("127.0.0.1", 1L), (address.Key, address.Connections));
        Assert.Equal(
            ["alice", "bob"],
            (await connections.ListConnectionsAsync(new ListConnectionsRequest(), cancellationToken: Token)).Connections.Select(row => row.Subject).Order());
        var error = await Assert.ThrowsAsync<RpcException>(async () => await server.Admin.ListIpsAsync(new ListIpsRequest { Subjects = true, Networks = true }, cancellationToken: Token));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
    }

    [Fact]
    public async Task Ban_OfASubject_KeepsItOutWhereverItComesFrom()
    {
        await using var server = await StartAsync();
        var policy = new PolicyService.PolicyServiceClient(server.Channel);
        await using var alice = await AuthClient.ConnectAsync(server, _issuer.Token("alice"));

        var banned = await policy.BanAsync(new BanRequest { Subject = "alice", Reason = "left", Disconnect = true }, cancellationToken: Token);
        Assert.Equal(("alice", "", 1L), (banned.Ban.Subject, banned.Ban.Network, banned.Disconnected));
        Assert.Equal("closed 1008 Banned", (await Assert.ThrowsAsync<System.Net.WebSockets.WebSocketException>(alice.ReceiveTextAsync)).Message);
        Assert.Equal("1008 Banned", await AuthClient.TryAsync(server, _issuer.Token("alice"), from: "127.0.0.2"));
        Assert.Equal("1008 Banned", await AuthClient.TryAsync(server, _issuer.Token("alice", more: Unlimited), from: "127.0.0.2"));
        Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Token("bob"), from: "127.0.0.2"));
        Assert.Equal("alice", Assert.Single((await policy.ListBansAsync(new ListBansRequest(), cancellationToken: Token)).Bans).Subject);

        Assert.Equal("alice", Assert.Single((await policy.UnbanAsync(new UnbanRequest { Subject = "alice" }, cancellationToken: Token)).Bans).Subject);
        Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Token("alice")));
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () => await policy.UnbanAsync(new UnbanRequest { Subject = "alice" }, cancellationToken: Token))).StatusCode);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("203.0.113.7", "alice")]
    [InlineData("", " alice")]
    [InlineData("", "a\u0007")]
    public async Task Ban_OfNobodyOrBoth_IsInvalid(string network, string subject)
    {
        await using var server = await StartAsync();
        var policy = new PolicyService.PolicyServiceClient(server.Channel);

        var error = await Assert.ThrowsAsync<RpcException>(async () => await policy.BanAsync(new BanRequest { Network = network, Subject = subject }, cancellationToken: Token));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
    }

    [Fact]
    public async Task Disconnect_OfASubject_ClosesItsSocketsAndNoOthers()
    {
        await using var server = await StartAsync();
        await using var alice = await AuthClient.ConnectAsync(server, _issuer.Token("alice"));
        await using var bob = await AuthClient.ConnectAsync(server, _issuer.Token("bob"));
        var connections = new ConnectionService.ConnectionServiceClient(server.Channel);

        var closed = await connections.DisconnectAsync(new DisconnectRequest { Subject = "alice" }, cancellationToken: Token);

        Assert.Equal(1, closed.Connections);
        await Assert.ThrowsAsync<System.Net.WebSockets.WebSocketException>(alice.ReceiveTextAsync);
        await bob.SendAsync("""{"type":"ping"}""");
        await bob.ExpectAsync("pong");
    }

    [Fact]
    public async Task Explain_OfASubject_ShowsItsLimitAndBan()
    {
        await using var server = await StartAsync(settings => settings.Admission.PerIp = 1);
        var decisions = new DecisionService.DecisionServiceClient(server.Channel);
        await using var alice = await AuthClient.ConnectAsync(server, _issuer.Token("alice", more: "\"unlimited\":true,\"max_connections\":1,"));

        var full = await decisions.ExplainAsync(new ExplainRequest { Address = "127.0.0.1", Subject = "alice" }, cancellationToken: Token);
        Assert.Equal(("per_subject_limit", "subject alice"), (full.Verdict, full.Key));
        Assert.Contains(full.Limits, limit => limit is { Name: "subject", Key: "subject alice", Connections: 1, Limit: 1, Reached: true });
        Assert.DoesNotContain(full.Limits, limit => limit.Name == "address");
        Assert.Contains(full.Last, decision => decision.Key == "subject alice");
        Assert.Equal("admitted", (await decisions.ExplainAsync(new ExplainRequest { Address = "127.0.0.1", Subject = "bob" }, cancellationToken: Token)).Verdict);

        await new PolicyService.PolicyServiceClient(server.Channel).BanAsync(new BanRequest { Subject = "alice" }, cancellationToken: Token);
        var banned = await decisions.ExplainAsync(new ExplainRequest { Address = "127.0.0.1", Subject = "alice" }, cancellationToken: Token);
        Assert.Equal(("banned", "alice"), (banned.Verdict, banned.Ban.Subject));
    }

    private Task<RelayServer> StartAsync(Action<RelaySettings>? configure = null)
    {
        var file = Path.Combine(_folder, "keys.json");
        File.WriteAllText(file, _issuer.KeySet);
        return RelayServer.StartAsync(settings =>
        {
            settings.ClientAuth.KeyFile = file;
            configure?.Invoke(settings);
        });
    }
}
