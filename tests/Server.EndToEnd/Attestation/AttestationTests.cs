using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Relay.Attestation;
using Relay.EndToEnd.Support;
using Relay.Telemetry;

namespace Relay.EndToEnd.Attestation;

/// <summary>attest_request, attest_response and the gate in front of chunks.</summary>
public sealed class AttestationTests
{
    private const string Request = """{"type":"attest_request","build_token":"build-token-1","device_id":"device-1"}""";
    private const string Response = """{"type":"attest_response","nonce":"nonce-1","responses":[{"region_index":0,"hmac":"00ff"}]}""";
    private const string NotAttested = """{"type":"error","code":"NOT_ATTESTED","message":"Attestation required"}""";

    // What lies behind the gate: nobody here has a name.
    private const string NotRegistered = """{"type":"error","message":"Not registered. Send register message first."}""";
    private const string Failed = """{"type":"attest_failed","message":"Attestation verification failed"}""";
    private const string NoChallenge = """{"type":"attest_error","message":"Failed to get attestation challenge from bootstrap"}""";

    [Fact]
    public async Task Attest_SwitchedOff_IsToldAndNothingIsGated()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Attestation.GracePeriod = TimeSpan.Zero);
        await using var client = await TestClient.ConnectAsync(server);
        foreach (var message in new[] { Request, Response, Request.Replace("build-token-1", "", StringComparison.Ordinal) })
        {
            await client.SendAsync(message);
            await client.ExpectErrorAsync("Attestation not configured");
        }

        Assert.False(await IsGatedAsync(client));
    }

    [Fact]
    public async Task Attest_Proven_OpensTheGate()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync();
        await using var client = await TestClient.ConnectAsync(server);
        await using var other = await TestClient.ConnectAsync(server);
        foreach (var message in new[]
        {
            """{"type":"chunk_announce","chunks":[]}""",
            """{"type":"chunk_request","chunkId":"c","channelId":"ch"}""",
            """{"type":"chunk_push","chunkId":"c","channelId":"ch"}""",
        })
        {
            await client.SendAsync(message);
            Assert.Equal(NotAttested, await client.ReceiveTextAsync());
        }

        await client.SendAsync(Request);
        Assert.Equal("{\"type\":\"attest_challenge\"," + Authority.Challenge[1..], await client.ReceiveTextAsync());
        Assert.True(await IsGatedAsync(client));
        await client.SendAsync(Response);
        Assert.Equal("""{"type":"attest_success","session_token":"session-token-1"}""", await client.ReceiveTextAsync());

        Assert.False(await IsGatedAsync(client));
        Assert.True(await IsGatedAsync(other));
        Assert.Equal(
            [
                ("/attest/challenge", """{"build_token":"build-token-1","device_id":"device-1"}"""),
                ("/attest/verify", """{"device_id":"device-1","nonce":"nonce-1","responses":[{"region_index":0,"hmac":"00ff"}]}"""),
            ],
            authority.Asked);
    }

    /// <summary>An authority that wants the version is told it; it is in the token.</summary>
    [Fact]
    public async Task Challenge_TokenThatNamesItsVersion_IsAskedForWithTheVersion()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync();
        await using var client = await TestClient.ConnectAsync(server);
        var token = Convert.ToBase64String("""{"version":"1.2.3","platform":"linux"}"""u8);

        await client.SendAsync($$"""{"type":"attest_request","build_token":"{{token}}","device_id":"device-1"}""");
        await client.ExpectAsync("attest_challenge");

        Assert.Equal(
            ("/attest/challenge", $$"""{"build_token":"{{token}}","device_id":"device-1","build_version":"1.2.3"}"""), Assert.Single(authority.Asked));
    }

    /// <summary>A proof does not hold for ever.</summary>
    [Fact]
    public async Task Gate_AfterTheGraceAndAfterTheLifetime_IsClosed()
    {
        var time = new FakeTimeProvider();
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync(
            settings =>
            {
                settings.Attestation.GracePeriod = TimeSpan.FromSeconds(30);
                settings.Attestation.SessionLifetime = TimeSpan.FromMinutes(2);
                settings.Sessions.SilenceTimeout = TimeSpan.FromDays(1);
                settings.Sessions.RegistrationTimeout = TimeSpan.Zero;
            },
            time);
        await using var client = await TestClient.ConnectAsync(server);
        foreach (var (seconds, gated) in new[] { (0, false), (29, false), (1, true) })
        {
            time.Advance(TimeSpan.FromSeconds(seconds));
            Assert.Equal(gated, await IsGatedAsync(client));
        }

        // The free time is the address's: a new socket has no more of it, another address has its own.
        await using var again = await TestClient.ConnectAsync(server);
        await using var elsewhere = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        Assert.Equal((true, false), (await IsGatedAsync(again), await IsGatedAsync(elsewhere)));

        await AttestAsync(client);
        foreach (var (seconds, gated) in new[] { (0, false), (119, false), (1, true) })
        {
            time.Advance(TimeSpan.FromSeconds(seconds));
            Assert.Equal(gated, await IsGatedAsync(client));
        }

        // The socket has stayed and may prove itself again.
        await AttestAsync(client);
        Assert.False(await IsGatedAsync(client));
    }

    [Fact]
    public async Task Challenge_NotToBeHad_IsToldAndTheSocketStays()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync(settings => settings.Sessions.MessagesPerMinute = 1000);
        await using var client = await TestClient.ConnectAsync(server);
        foreach (var (answer, outcome) in BadAnswers("{\"nonce\":\"n\",\"regions\":[]}").Concat(
        [
            (Authority.Say(200, """{"nonce":"n"}"""), AuthorityOutcome.Unusable),
            (Authority.Say(200, """{"nonce":"n","regions":{}}"""), AuthorityOutcome.Unusable),
            (Authority.Say(200, """{"nonce":"","regions":[]}"""), AuthorityOutcome.Unusable),
            (Authority.Say(200, """{"nonce":1,"regions":[]}"""), AuthorityOutcome.Unusable),
            (Authority.Say(200, $$"""{"nonce":"{{new string('n', 257)}}","regions":[]}"""), AuthorityOutcome.Unusable),
        ]))
        {
            var before = Count(server, outcome);
            authority.OnChallenge = answer;
            await client.SendAsync(Request);
            Assert.Equal(NoChallenge, await client.ReceiveTextAsync());
            Assert.Equal(before + 1, Count(server, outcome));
        }

        authority.OnChallenge = Authority.Say(200, Authority.Challenge);
        await AttestAsync(client);
    }

    [Fact]
    public async Task Verdict_NotGood_FailsAndCloses4001()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync(settings => settings.Admission.PerIp = 100);
        foreach (var (answer, outcome) in BadAnswers(Authority.Valid).Concat(
        [
            (Authority.Say(200, """{"valid":false,"session_token":"t"}"""), AuthorityOutcome.Answered),
            (Authority.Say(200, """{"valid":"true","session_token":"t"}"""), AuthorityOutcome.Unusable),
            (Authority.Say(200, """{"valid":1,"session_token":"t"}"""), AuthorityOutcome.Unusable),
        ]))
        {
            await using var client = await TestClient.ConnectAsync(server);
            await client.SendAsync(Request);
            await client.ExpectAsync("attest_challenge");
            var before = Count(server, outcome);
            authority.OnVerify = answer;
            await client.SendAsync(Response);
            Assert.Equal(Failed, await client.ReceiveTextAsync());
            Assert.Equal((4001, "Attestation failed"), await client.ExpectCloseAsync());
            Assert.Equal(before + 1, Count(server, outcome));
        }

        await server.EmptyAsync();
        Assert.Equal(["attestation_failed"], server.Get<RelayMetrics>().ClosedByReason().NonZero().Keys);
    }

    [Theory]
    [InlineData("""{"valid":true}""")]
    [InlineData("""{"valid":true,"session_token":null}""")]
    [InlineData("""{"valid":true,"session_token":""}""")]
    [InlineData("""{"valid":true,"session_token":{"a":1}}""")]
    public async Task Verdict_GoodWithoutAToken_SucceedsButOpensNothing(string verdict)
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync();
        await using var client = await TestClient.ConnectAsync(server);
        authority.OnVerify = Authority.Say(200, verdict);

        await client.SendAsync(Request);
        await client.ExpectAsync("attest_challenge");
        await client.SendAsync(Response);

        Assert.Equal("""{"type":"attest_success","session_token":null}""", await client.ReceiveTextAsync());
        Assert.True(await IsGatedAsync(client));
    }

    [Fact]
    public async Task Attest_FieldEmpty_IsToldAndNobodyAsked()
    {
        await using var authority = await Authority.StartAsync();
        await using var server = await authority.StartRelayAsync();
        await using var client = await TestClient.ConnectAsync(server);
        foreach (var (message, error) in new[]
        {
            ("""{"type":"attest_request","build_token":"","device_id":""}""", "Missing required field: build_token"),
            ("""{"type":"attest_request","build_token":"t","device_id":""}""", "Missing required field: device_id"),
            ("""{"type":"attest_response","nonce":"","responses":[]}""", "Missing required field: nonce"),
            ("""{"type":"attest_response","nonce":"n","responses":[]}""", "Missing or empty responses array"),
        })
        {
            await client.SendAsync(message);
            await client.ExpectErrorAsync(error);
        }

        Assert.Empty(authority.Asked);
    }

    private static IEnumerable<(Func<HttpContext, Task> Answer, AuthorityOutcome Outcome)> BadAnswers(string good) =>
    [
        (Authority.Say(400, good), AuthorityOutcome.Rejected),
        (Authority.Say(404, ""), AuthorityOutcome.Rejected),
        (Authority.Say(500, good), AuthorityOutcome.Rejected),
        (context => Redirect(context, good), AuthorityOutcome.Rejected),
        (Authority.Say(200, ""), AuthorityOutcome.Unusable),
        (Authority.Say(200, "<html>"), AuthorityOutcome.Unusable),
        (Authority.Say(200, "[]"), AuthorityOutcome.Unusable),
        (Authority.Say(200, "{}"), AuthorityOutcome.Unusable),
        (Authority.Say(200, good + "}"), AuthorityOutcome.Unusable),
        (Authority.Say(200, good[..^1] + ",\"x\":" + new string('[', 20) + new string(']', 20) + "}"), AuthorityOutcome.Unusable),
        (context => context.Response.Body.WriteAsync((byte[])[.. Encoding.UTF8.GetBytes(good[..^1] + ",\"x\":\""), 0xC3, 0x28, .. "\"}"u8]).AsTask(), AuthorityOutcome.Unusable),
        (Authority.Say(200, good[..^1] + ",\"x\":\"" + new string('x', 64 * 1024) + "\"}"), AuthorityOutcome.Unusable),
        (WriteForEverAsync, AuthorityOutcome.Unusable),
        (HangUp, AuthorityOutcome.Unreachable),
    ];

    // To where the good answer is.
    private static Task Redirect(HttpContext context, string good)
    {
        if (context.Request.QueryString.HasValue)
        {
            return Authority.Say(200, good)(context);
        }

        context.Response.Redirect(context.Request.Path + "?again", permanent: false, preserveMethod: true);
        return Task.CompletedTask;
    }

    private static async Task WriteForEverAsync(HttpContext context)
    {
        while (true)
        {
            await context.Response.WriteAsync("{\"x\":\"" + new string('x', 16 * 1024), context.RequestAborted);
        }
    }

    private static Task HangUp(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    private static async Task AttestAsync(TestClient client)
    {
        await client.SendAsync(Request);
        await client.ExpectAsync("attest_challenge");
        await client.SendAsync(Response);
        await client.ExpectAsync("attest_success");
    }

    private static async Task<bool> IsGatedAsync(TestClient client)
    {
        await client.SendAsync("""{"type":"chunk_request","chunkId":"c","channelId":"ch"}""");
        var answer = await client.ReceiveTextAsync();
        Assert.True(answer is NotAttested or NotRegistered, answer);
        return answer == NotAttested;
    }

    private static long Count(RelayServer server, AuthorityOutcome outcome) =>
        server.Get<AttestationClient>().Counts().Outcomes[(int)outcome];
}
