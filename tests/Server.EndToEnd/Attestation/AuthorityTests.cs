using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Relay.Attestation;
using Relay.EndToEnd.Support;
using Relay.Telemetry;

namespace Relay.EndToEnd.Attestation;

/// <summary>The relay between hostile clients and an authority that is slow, or not there.</summary>
public sealed class AuthorityTests
{
    private const string Request = """{"type":"attest_request","build_token":"secret-build","device_id":"secret-device"}""";
    private const string Response = """{"type":"attest_response","nonce":"nonce-1","responses":[{"region_index":0,"hmac":"secret-hmac"}]}""";

    /// <summary>A request to the authority has a deadline.</summary>
    [Fact]
    public async Task Authority_Slow_FailsAfterFiveSeconds()
    {
        var time = new FakeTimeProvider();
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync(time: time);
        await using var client = await TestClient.ConnectAsync(server);
        await using var other = await TestClient.ConnectAsync(server);
        await client.SendAsync(Request);
        await client.ExpectAsync("attest_challenge");
        var never = new TaskCompletionSource();
        authority.OnChallenge = authority.OnVerify = Authority.SayLater(never.Task, Authority.Challenge);

        await client.SendAsync(Response);
        await other.SendAsync(Request);
        await authority.AskedIsAsync(3);
        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal(2, server.Get<AttestationClient>().Counts().Open);
        time.Advance(TimeSpan.FromSeconds(0.1));

        await client.ExpectAsync("attest_failed");
        await other.ExpectAsync("attest_error");
        Assert.Equal(2, Count(server, AuthorityOutcome.TimedOut));
        Assert.Equal((4001, "Attestation failed"), await client.ExpectCloseAsync());
        await other.ExpectNothingAsync();
        Assert.Equal(0, server.Get<AttestationClient>().Counts().Open);
    }

    [Fact]
    public async Task Authority_NotThere_FailsAndWarnsOnceAMinute()
    {
        // Bound, so that nobody else gets the port, and not listening.
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(
            settings => settings.Attestation.AuthorityUrl = $"http://{nobody.LocalEndPoint}", time);
        var log = LogCollector.Attach(server);
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        foreach (var (seconds, warnings) in new[] { (0, 1), (0, 1), (59, 1), (1, 2), (0, 2) })
        {
            time.Advance(TimeSpan.FromSeconds(seconds));
            await client.SendAsync(Request);
            await client.ExpectAsync("attest_error");
            Assert.Equal(warnings, log.Lines.Count(line => line.Contains("unreachable, ConnectionError", StringComparison.Ordinal)));
        }

        using var http = new HttpClient { BaseAddress = server.Http, Timeout = TestClient.Timeout };
        var metrics = await http.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        Assert.Contains("relay_attestation_requests_total{outcome=\"unreachable\"} 5", metrics, StringComparison.Ordinal);
        Assert.Contains("relay_attestation_open{} 0", metrics, StringComparison.Ordinal);
    }

    /// <summary>One socket can have one request on its way, all of them together 64; the next fails at once and is not sent.</summary>
    [Fact]
    public async Task Authority_65RequestsAtOnce_TheLastFailsUnsent()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync(settings => settings.Admission.PerIp = 100);
        var gate = new TaskCompletionSource();
        authority.OnChallenge = Authority.SayLater(gate.Task, Authority.Challenge);
        var clients = new List<TestClient>();
        for (var i = 0; i < 64; i++)
        {
            clients.Add(await TestClient.ConnectAsync(server));
            await clients[i].SendAsync(Request);
        }

        await authority.AskedIsAsync(64);
        await using var late = await TestClient.ConnectAsync(server);
        await late.SendAsync(Request);
        await late.ExpectAsync("attest_error");
        Assert.Equal((64, 1), (server.Get<AttestationClient>().Counts().Open, Count(server, AuthorityOutcome.Busy)));

        gate.SetResult();
        foreach (var client in clients)
        {
            await client.ExpectAsync("attest_challenge");
            await client.DisposeAsync();
        }

        await late.SendAsync(Request);
        await late.ExpectAsync("attest_challenge");
        Assert.Equal(65, authority.Asked.Count);
    }

    /// <summary>The authority is slow and one address asks as much as it may: an attestation of another address goes on.</summary>
    [Fact]
    public async Task Authority_BusyWithOneAddress_IsAskedForAnother()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync(settings => settings.Admission.PerIp = 100);
        var gate = new TaskCompletionSource();
        authority.OnChallenge = Authority.SayLater(gate.Task, Authority.Challenge);
        var clients = new List<TestClient>();
        for (var i = 0; i < 64; i++)
        {
            clients.Add(await TestClient.ConnectAsync(server, from: "127.0.0.2"));
            await clients[i].SendAsync(Request);
        }

        await authority.AskedIsAsync(64);
        await using var other = await TestClient.ConnectAsync(server, from: "127.0.0.3");
        await other.SendAsync(Request);
        await clients[0].ExpectAsync("attest_error");
        await authority.AskedIsAsync(65);
        Assert.Equal((64, 1), (server.Get<AttestationClient>().Counts().Open, Count(server, AuthorityOutcome.Busy)));

        gate.SetResult();
        await other.ExpectAsync("attest_challenge");
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Socket_ThatWaitsForTheAuthority_KeepsItsOrderAndHoldsUpNobody()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync();
        var gate = new TaskCompletionSource();
        authority.OnChallenge = Authority.SayLater(gate.Task, Authority.Challenge);
        await using var client = await TestClient.ConnectAsync(server);
        await using var other = await TestClient.ConnectAsync(server);

        await client.SendAsync(Request);
        await client.SendAsync(Request);
        await client.SendAsync("""{"type":"ping"}""");
        await authority.AskedIsAsync(1);
        await other.ExpectNothingAsync();
        Assert.Single(authority.Asked);
        gate.SetResult();

        await client.ExpectAsync("attest_challenge");
        await client.ExpectAsync("attest_challenge");
        await client.ExpectAsync("pong");
    }

    /// <summary>Whoever leaves takes its request along: its place is not held until the deadline.</summary>
    [Fact]
    public async Task Client_ThatLeavesWhileItWaits_IsGoneAtOnce()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync(settings => settings.Attestation.RequestTimeout = TimeSpan.FromMinutes(1));
        authority.OnVerify = Authority.SayLater(new TaskCompletionSource().Task, Authority.Valid);
        await using var client = await TestClient.ConnectAsync(server);
        await client.SendAsync(Request);
        await client.ExpectAsync("attest_challenge");
        await client.SendAsync(Response);
        await authority.AskedIsAsync(2);

        client.Socket.Abort();

        await server.EmptyAsync();
        Assert.Equal((0, 1), (server.Get<AttestationClient>().Counts().Open, Count(server, AuthorityOutcome.Abandoned)));
        Assert.DoesNotContain(server.Get<RelayMetrics>().ClosedByReason(), count => count is { Key: "attestation_failed", Value: > 0 });
    }

    [Fact]
    public async Task Stop_WhileTheAuthorityIsAsked_DoesNotWaitForIt()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync(settings => settings.Attestation.RequestTimeout = TimeSpan.FromMinutes(1));
        authority.OnChallenge = Authority.SayLater(new TaskCompletionSource().Task, Authority.Challenge);
        await using var client = await TestClient.ConnectAsync(server);
        await client.SendAsync(Request);
        await authority.AskedIsAsync(1);

        var stopping = server.App.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal((1001, "Server shutting down"), await client.ExpectCloseAsync());
        await stopping;
        Assert.Equal(1, Count(server, AuthorityOutcome.Abandoned));
    }

    /// <summary>A nonce that is not the socket's open challenge fails like a wrong proof, and the authority is not asked.</summary>
    [Theory]
    [InlineData(false, false, "nonce-1")]
    [InlineData(true, false, "nonce-0")]
    [InlineData(true, true, "nonce-1")]
    public async Task Response_ToNoChallengeOfItsOwn_FailsUnasked(bool challenged, bool answered, string nonce)
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync();
        await using var holder = await TestClient.ConnectAsync(server);
        await using var client = await TestClient.ConnectAsync(server);
        await holder.SendAsync(Request);
        await holder.ExpectAsync("attest_challenge");
        if (challenged)
        {
            await client.SendAsync(Request);
            await client.ExpectAsync("attest_challenge");
        }

        if (answered)
        {
            await client.SendAsync(Response);
            await client.ExpectAsync("attest_success");
        }

        var asked = authority.Asked.Count;
        await client.SendAsync(Response.Replace("nonce-1", nonce, StringComparison.Ordinal));
        await client.ExpectAsync("attest_failed");
        Assert.Equal((4001, "Attestation failed"), await client.ExpectCloseAsync());
        Assert.Equal(asked, authority.Asked.Count);
        await holder.SendAsync(Response);
        await holder.ExpectAsync("attest_success");
    }

    [Fact]
    public async Task Challenge_Replaced_IsTheNewOneOnly()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync();
        await using var client = await TestClient.ConnectAsync(server);
        await client.SendAsync(Request);
        await client.ExpectAsync("attest_challenge");
        authority.OnChallenge = Authority.Say(200, Authority.Challenge.Replace("nonce-1", "nonce-2", StringComparison.Ordinal));
        await client.SendAsync(Request.Replace("secret-device", "second-device", StringComparison.Ordinal));
        await client.ExpectAsync("attest_challenge");

        await client.SendAsync(Response.Replace("nonce-1", "nonce-2", StringComparison.Ordinal));
        await client.ExpectAsync("attest_success");
        Assert.Contains("second-device", authority.Asked.Last().Body, StringComparison.Ordinal);

        await client.SendAsync(Response);
        await client.ExpectAsync("attest_failed");
    }

    [Fact]
    public async Task Fields_LongerThanAnyAuthorityTakes_FailUnasked()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync();
        await using var client = await TestClient.ConnectAsync(server);
        await client.SendAsync($$"""{"type":"attest_request","build_token":"{{new string('t', 4097)}}","device_id":"d"}""");
        await client.ExpectAsync("attest_error");
        await client.SendAsync($$"""{"type":"attest_request","build_token":"t","device_id":"{{new string('d', 129)}}"}""");
        await client.ExpectAsync("attest_error");
        Assert.Empty(authority.Asked);

        await client.SendAsync($$"""{"type":"attest_request","build_token":"{{new string('t', 4096)}}","device_id":"{{new string('d', 128)}}"}""");
        await client.ExpectAsync("attest_challenge");
        await client.SendAsync($$"""{"type":"attest_response","nonce":"nonce-1","responses":["{{new string('r', 16 * 1024)}}"]}""");
        await client.ExpectAsync("attest_failed");
        Assert.Single(authority.Asked);
    }

    [Fact]
    public async Task Log_OfAWholeAttestation_HasNoSecrets()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync(settings => settings.Log.Level = LogLevel.Trace);
        var log = LogCollector.Attach(server);
        await using var client = await TestClient.ConnectAsync(server);
        await client.SendAsync(Request);
        await client.ExpectAsync("attest_challenge");
        await client.SendAsync(Response);
        await client.ExpectAsync("attest_success");
        await client.SendAsync(Request);
        await client.ExpectAsync("attest_challenge");
        authority.OnVerify = Authority.Say(200, "secret-verdict");
        await client.SendAsync(Response);
        await client.ExpectAsync("attest_failed");

        Assert.Contains(log.Lines, line => line.Contains("unusable, to verify", StringComparison.Ordinal));
        foreach (var secret in new[] { "secret", "nonce-1", "session-token-1" })
        {
            Assert.DoesNotContain(log.Lines, line => line.Contains(secret, StringComparison.Ordinal));
        }
    }

    private static long Count(RelayServer server, AuthorityOutcome outcome) =>
        server.Get<AttestationClient>().Counts().Outcomes[(int)outcome];
}
