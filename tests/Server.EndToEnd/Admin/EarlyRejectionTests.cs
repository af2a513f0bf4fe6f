using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Admin;

/// <summary>Requests without rights are answered from their heads: the answer comes although the body never does.</summary>
public sealed class EarlyRejectionTests : IDisposable
{
    private const string Required = "Authentication required: no token or client certificate was sent";

    private readonly TestAuthority _authority = new();

    public static TheoryData<string, StatusCode, string> Ways => new()
    {
        { "nothing", StatusCode.Unauthenticated, Required },
        { "wrong token", StatusCode.Unauthenticated, "Authentication failed: this is not a relay token" },
        { "unlisted certificate", StatusCode.PermissionDenied, "Permission denied: " },
        { "untrusted certificate", StatusCode.Unauthenticated, "Authentication failed: the client certificate is not signed" },
        { "plaintext", StatusCode.Unauthenticated, "Authentication required: no token was sent" },
        { "unix", StatusCode.PermissionDenied, "Permission denied: " },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Request_WithoutRightsAndWithoutItsBody_IsRejected(string way, StatusCode code, string reason)
    {
        using var other = new TestAuthority("CN=other authority");
        await using var server = await NetworkAdmin.StartAsync(way == "plaintext" ? null : _authority, configure: settings =>
        {
            settings.Admin.FailuresPerMinute = 1000;
            settings.Admin.Readers = way == "unix" ? ["4001"] : [];
        });
        using var certificate = way switch
        {
            "unlisted certificate" => _authority.IssueClient("CN=nobody"),
            "untrusted certificate" => other.IssueClient("CN=admin"),
            _ => null,
        };
        using var caller = way == "unix"
            ? BareAdmin.OverUnixSocketWithoutRole(server)
            : BareAdmin.OverNetwork(server, way == "plaintext" ? null : _authority, certificate, way == "wrong token" ? "wrong" : null);
        foreach (var path in new[]
        {
            "/relay.admin.v1.AdminService/GetStats",
            "/relay.admin.v1.PolicyService/ChangePolicy",
            "/relay.admin.v1.ConnectionService/Drain",
            "/relay.admin.v1.PolicyService/NoSuchMethod",
            "/no.such.Service/Method",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        })
        {
            // Half of a message, and a gigabyte that is announced and never sent.
            using var half = await caller.AskAsync(path, "application/grpc", BareAdmin.PartOfMessage, announced: null);
            AssertCall(half, code, reason);
            using var huge = await caller.AskAsync(path, "application/grpc+proto", [], announced: 1 << 30);
            AssertCall(huge, code, reason);
        }

        foreach (var path in new[] { "/", "/metrics", "/relay.admin.v1.AdminService/GetStats" })
        {
            using var got = await caller.GetAsync(path);
            await AssertPageAsync(got, code, reason);
            using var posted = await caller.AskAsync(path, "application/json", [1, 2, 3], announced: 1 << 30);
            await AssertPageAsync(posted, code, reason);
        }

        Assert.Equal(0, server.Live());
    }

    [Fact]
    public async Task MutatingCall_RoleTooLow_IsDeniedWithoutItsBodyAndAudited()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        using var caller = BareAdmin.OverNetwork(server, _authority, token: await server.TokenAsync(Role.Read));
        using var answer = await caller.AskAsync("/relay.admin.v1.PolicyService/ChangePolicy", "application/grpc", BareAdmin.PartOfMessage, announced: null);

        AssertCall(answer, StatusCode.PermissionDenied, "Permission denied: ChangePolicy requires role operate");
        var entry = await server.NewestAuditAsync();
        Assert.Equal(("ChangePolicy", "PERMISSION_DENIED", "read"), (entry.Method, entry.Result, entry.Role));
        Assert.Equal(Header(answer, "request-id"), entry.RequestId);
    }

    [Fact]
    public async Task MalformedMessage_WithoutRights_IsUnauthenticatedAndWithRightsAnError()
    {
        const string Path = "/relay.admin.v1.AdminService/WatchStats";
        byte[] malformed = [0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF];
        await using var server = await NetworkAdmin.StartAsync(_authority);
        using var stranger = BareAdmin.OverNetwork(server, _authority);
        using var rejected = await stranger.CallAsync(Path, malformed);
        AssertCall(rejected, StatusCode.Unauthenticated, Required);

        server.ExpectedError = error => error.Contains("WatchStats", StringComparison.Ordinal);
        using var known = BareAdmin.OverNetwork(server, _authority, token: await server.TokenAsync(Role.Read));
        using var failed = await known.CallAsync(Path, malformed);
        Assert.NotEqual($"{(int)StatusCode.Unauthenticated}", Header(failed, "grpc-status"));
        Assert.NotEqual($"{(int)StatusCode.OK}", Header(failed, "grpc-status"));
    }

    /// <summary>Whoever may change limits and sends what is no change is told so, and leaves an entry; so does one that sends too much.</summary>
    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF }, StatusCode.InvalidArgument, "INVALID_ARGUMENT")]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 }, StatusCode.InvalidArgument, "INVALID_ARGUMENT")]
    [InlineData(new byte[] { 0, 0, 2, 0, 0, 1 }, StatusCode.ResourceExhausted, "RESOURCE_EXHAUSTED")]
    public async Task MalformedMessage_OfAMutatingMethod_IsAuditedAsRefused(byte[] body, StatusCode code, string result)
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        server.ExpectedError = error => error.Contains("ChangePolicy", StringComparison.Ordinal);
        using var known = BareAdmin.OverNetwork(server, _authority, token: await server.TokenAsync(Role.Operate));
        using var answer = await known.CallAsync(Path(), body);

        Assert.Equal($"{(int)code}", Header(answer, "grpc-status"));
        var entry = await server.NewestAuditAsync();
        Assert.Equal(("ChangePolicy", result, "operate"), (entry.Method, entry.Result, entry.Role));
        Assert.StartsWith("token Operate ", entry.Who, StringComparison.Ordinal);
        Assert.NotEqual("", entry.Text);
        if (code == StatusCode.InvalidArgument)
        {
            Assert.Equal(Header(answer, "request-id"), entry.RequestId);
        }

        static string Path() => "/relay.admin.v1.PolicyService/ChangePolicy";
    }

    [Fact]
    public async Task UnknownMethodAndPath_WithARole_AreUnknown()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        using var caller = BareAdmin.OverNetwork(server, _authority, token: await server.TokenAsync(Role.Read));
        using var method = await caller.CallAsync("/relay.admin.v1.PolicyService/NoSuchMethod", [0, 0, 0, 0, 0]);
        Assert.Equal($"{(int)StatusCode.Unimplemented}", Header(method, "grpc-status"));
        using var page = await caller.GetAsync("/metrics");
        Assert.Equal(404, (int)page.StatusCode);
    }

    [Fact]
    public async Task Health_OnTheUnixSocket_NeedsNoRole()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admin.Readers = ["4001"]);
        using var caller = BareAdmin.OverUnixSocketWithoutRole(server);
        using var answer = await caller.CallAsync("/grpc.health.v1.Health/Check", [0, 0, 0, 0, 0]);

        // No status in the head: the call was let in. SERVING (1) in field 1.
        Assert.False(answer.Headers.TryGetValues("grpc-message", out var denial), $"{denial?.First()}");
        Assert.Equal([0, 0, 0, 0, 2, 8, 1], await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal("0", Assert.Single(answer.TrailingHeaders.GetValues("grpc-status")));
    }

    [Fact]
    public async Task Page_TooManyFailures_Is429AndTheConnectionEnds()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority, configure: settings => settings.Admin.FailuresPerMinute = 1);
        using var caller = BareAdmin.OverNetwork(server, _authority);
        using var first = await caller.GetAsync("/");
        await AssertPageAsync(first, StatusCode.Unauthenticated, Required);
        Assert.Equal("Bearer", first.Headers.WwwAuthenticate.ToString());
        using var second = await caller.GetAsync("/");

        Assert.Equal(429, (int)second.StatusCode);
        Assert.StartsWith("too many calls from 127.0.0.1", await second.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    public void Dispose() => _authority.Dispose();

    // "Trailers only": one head with the status in it, and no body.
    private static void AssertCall(HttpResponseMessage answer, StatusCode code, string reason)
    {
        Assert.Equal((200, "application/grpc"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Equal($"{(int)code}", Header(answer, "grpc-status"));
        Assert.StartsWith(reason, Uri.UnescapeDataString(Header(answer, "grpc-message")), StringComparison.Ordinal);
        Assert.Matches("^[0-9a-f]{16}$", Header(answer, "request-id"));
    }

    private static async Task AssertPageAsync(HttpResponseMessage answer, StatusCode code, string reason)
    {
        Assert.Equal(code == StatusCode.Unauthenticated ? 401 : 403, (int)answer.StatusCode);
        Assert.StartsWith(reason, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static string Header(HttpResponseMessage answer, string name) => Assert.Single(answer.Headers.GetValues(name));
}
