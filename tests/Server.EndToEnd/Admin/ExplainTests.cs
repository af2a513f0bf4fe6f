using Grpc.Core;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.Policy;

namespace Relay.EndToEnd.Admin;

/// <summary>Explain and tail: why a client was, or would be, let in or not.</summary>
public sealed class ExplainTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Explain_FullAddress_NamesTheLimitAndTheLastDecisions()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 1);
        await using var held = await TestClient.ConnectAsync(server);
        await using var refused = await TestClient.ConnectAsync(server, greeted: false);
        await refused.ExpectCloseAsync();

        var explanation = await ExplainAsync(server, new ExplainRequest { Address = "127.0.0.1" });

        Assert.Equal(("per_ip_limit", "127.0.0.1"), (explanation.Verdict, explanation.Key));
        Assert.Contains("1013 \"Too many connections from this IP\"", explanation.ClientSees, StringComparison.Ordinal);
        var reached = Assert.Single(explanation.Limits, look => look.Reached);
        Assert.Equal(("address", 1L, 1L, "per-ip"), (reached.Name, reached.Connections, reached.Limit, reached.Rule));
        Assert.Equal(["per_ip_limit", "admitted"], explanation.Last.Select(decision => decision.Outcome));
        Assert.Equal((1, 1L), (server.Live(), server.Totals().RefusedBy(Refusal.PerIpLimit)));
    }

    [Fact]
    public async Task Explain_ThroughAProxy_TellsEachHop()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.TrustedProxies = ["10.0.0.0/8"]);

        var explanation = await ExplainAsync(
            server, new ExplainRequest { Address = "10.0.0.2", Headers = { "X-Forwarded-For: 2001:db8::1, 10.0.0.9" } });

        Assert.Equal(("2001:db8::1", "2001:db8::/64", "admitted"), (explanation.Address, explanation.Key, explanation.Verdict));
        Assert.Equal(["10.0.0.2", "10.0.0.9", "2001:db8::1"], explanation.Origin.Select(step => step.Found));

        // The ceiling is this machine's limit of open files.
        var looks = explanation.Limits.Where(look => look.Name != "ceiling").ToList();
        Assert.Equal(["total", "address", "/56", "/48"], looks.Select(look => look.Name));
        Assert.Equal([10_000, 50, 400, 3_200], looks.Select(look => look.Limit));
    }

    [Theory]
    [InlineData("deny", "denied", "override/203.0.113.0/24 (deny)")]
    [InlineData("7", "admitted", "override/203.0.113.0/24")]
    [InlineData("unlimited", "admitted", "override/203.0.113.0/24 (unlimited)")]
    [InlineData("ban", "banned", null)]
    public async Task Explain_ARuleHolds_NamesIt(string kind, string verdict, string? rule)
    {
        await using var server = await RelayServer.StartAsync();
        var admin = new PolicyAdmin(server.Channel);
        const string Network = "203.0.113.0/24";
        await (kind switch
        {
            "ban" => (Task)admin.BanAsync(Network),
            "deny" => admin.OverrideAsync(new Override { Network = Network, Deny = true }),
            "unlimited" => admin.OverrideAsync(new Override { Network = Network, Unlimited = true }),
            _ => admin.OverrideAsync(new Override { Network = Network, PerIp = 7 }),
        });

        var explanation = await ExplainAsync(server, new ExplainRequest { Address = "203.0.113.9" });

        Assert.Equal(verdict, explanation.Verdict);
        if (rule is null)
        {
            Assert.Equal(("203.0.113.0/24", "a test", "manual"), (explanation.Ban.Network, explanation.Ban.Reason, explanation.Ban.Source));

            // The limits that would hold without the ban.
            Assert.Equal(
                [("total", 10_000L, "total"), ("address", 50L, "per-ip"), ("/24", 0L, "per-24 (off)")],
                explanation.Limits.Where(look => look.Name != "ceiling").Select(look => (look.Name, look.Limit, look.Rule)));
        }
        else
        {
            Assert.Equal(rule, Assert.Single(explanation.Limits, look => look.Name == "address").Rule);
        }
    }

    [Theory]
    [InlineData("nobody", "", "", "address")]
    [InlineData("192.0.2.1", "no colon", "", "headers")]
    [InlineData("192.0.2.1", "", "1.2.3.4:5", "listener")]
    public async Task Explain_Mistaken_NamesTheField(string address, string header, string listener, string field)
    {
        await using var server = await RelayServer.StartAsync();
        var request = new ExplainRequest { Address = address, Listener = listener, Headers = { header.Length > 0 ? [header] : Array.Empty<string>() } };

        var error = await Assert.ThrowsAsync<RpcException>(() => ExplainAsync(server, request));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.StartsWith(field + ":", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tail_RefusedOfANetwork_TellsPastAndPresentOnce()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 1);
        await using var held = await TestClient.ConnectAsync(server);
        await using var other = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await RefuseAsync(server, "127.0.0.2");
        await RefuseAsync(server, "127.0.0.1");
        using var tail = new DecisionService.DecisionServiceClient(server.Channel)
            .TailDecisions(new TailDecisionsRequest { Refused = true, Cidr = "127.0.0.1", Past = 10 }, Call);
        Assert.True(await tail.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        var past = tail.ResponseStream.Current;

        await RefuseAsync(server, "127.0.0.1");
        Assert.True(await tail.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        Assert.Equal(("127.0.0.1", "per_ip_limit"), (past.Address, past.Outcome));
        Assert.True(tail.ResponseStream.Current.Sequence > past.Sequence);
    }

    [Fact]
    public async Task Tail_FloodOfOneAddress_SaysHowManyWereLeftOut()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.RejectionMode = RejectionMode.HttpStatus, time);
        var gate = server.Get<AdmissionGate>();
        gate.State.TryDrain();
        var flood = IpKey.From(System.Net.IPAddress.Parse("203.0.113.7"));
        for (var i = 0; i < 1_000; i++)
        {
            gate.TryAdmit(flood, out _);
        }

        time.Advance(TimeSpan.FromSeconds(10));
        gate.TryAdmit(flood, out _);

        var logged = server.Get<DecisionLog>().Last(100, decision => decision.Address == flood);
        Assert.Equal(11, logged.Count);
        Assert.Equal(990, logged[0].Decision.Suppressed);
    }

    private static async Task RefuseAsync(RelayServer server, string from)
    {
        await using var refused = await TestClient.ConnectAsync(server, from: from, greeted: false);
        await refused.ExpectCloseAsync();
    }

    private static PolicyService.PolicyServiceClient Policy(RelayServer server) => new(server.Channel);

    private static async Task<Explanation> ExplainAsync(RelayServer server, ExplainRequest request) =>
        await new DecisionService.DecisionServiceClient(server.Channel).ExplainAsync(request, Call);
}
