using Grpc.Core;
using Grpc.Health.V1;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.AdminAuth;

/// <summary>Who may do what over the admin listener on TCP.</summary>
public sealed class AccessTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    // Every role by every way in. None: a certificate that is signed and not listed; a token always has a role.
    [Theory]
    [InlineData("token", "Read Operate Admin")]
    [InlineData("plaintext", "Read Operate Admin")]
    [InlineData("certificate", "Unspecified Read Operate Admin")]
    public async Task Call_EachRoleByEachWayIn_MayWhatItsRoleMay(string way, string roles)
    {
        await using var server = await NetworkAdmin.StartAsync(way == "plaintext" ? null : _authority);
        foreach (var role in roles.Split(' ').Select(System.Enum.Parse<Role>))
        {
            using var certificate = way == "certificate" ? _authority.IssueClient($"O=Relay, CN={Word(role)}") : null;
            var token = way != "certificate" ? await server.TokenAsync(role) : null;
            using var caller = new NetworkAdmin(server, way == "plaintext" ? null : _authority, certificate, token);
            await AssertAsync(server, role, Role.Read, () => caller.Admin.GetStatsAsync(new GetStatsRequest(), Call).ResponseAsync);
            await AssertAsync(server, role, Role.Read, () => FirstOfWatchAsync(caller));
            await AssertAsync(server, role, Role.Read, () => new Health.HealthClient(caller.Channel).CheckAsync(new HealthCheckRequest(), Call).ResponseAsync);
            await AssertAsync(server, role, Role.Read, caller.AskReflectionAsync);
            await AssertAsync(server, role, Role.Operate, () => new PolicyAdmin(caller.Channel).SetPerIpAsync(40));
            await AssertAsync(server, role, Role.Admin, () => caller.Admin.ListTokensAsync(new ListTokensRequest(), Call).ResponseAsync);
            Assert.Equal(way == "plaintext" ? "tcp" : "tls", (await server.NewestAuditAsync()).Transport);
            await AssertAsync(server, role, Role.Read, () => AssertCallerAsync(caller, role, way == "certificate" ? "certificate" : "token"));
        }

        // An operator on the Unix socket is asked for nothing of all that.
        await server.Admin.ListTokensAsync(new ListTokensRequest(), Call);
        var own = await server.Admin.GetCallerAsync(new GetCallerRequest(), Call);
        Assert.Equal((Role.Admin, "process", null), (own.Role, own.Authentication, own.ExpiresAt));
        Assert.StartsWith("uid=", own.Name, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_WithoutAnything_IsUnauthenticatedAndAudited()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        using var caller = new NetworkAdmin(server, _authority);

        await caller.ExpectUnauthenticatedAsync("Authentication required: no token or client certificate was sent");
        var error = await Assert.ThrowsAsync<RpcException>(() => new Health.HealthClient(caller.Channel).CheckAsync(new HealthCheckRequest(), Call).ResponseAsync);
        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
        error = await Assert.ThrowsAsync<RpcException>(() => caller.AskReflectionAsync());
        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
        var entry = await server.NewestAuditAsync();
        Assert.Equal(("ServerReflectionInfo", "UNAUTHENTICATED", "unknown", "none"), (entry.Method, entry.Result, entry.Who, entry.Role));
        Assert.StartsWith("127.0.0.1:", entry.Address, StringComparison.Ordinal);
    }

    public void Dispose() => _authority.Dispose();

    private static async Task AssertAsync(RelayServer server, Role role, Role needed, Func<Task> call)
    {
        if (role >= needed)
        {
            await call();
            return;
        }

        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(StatusCode.PermissionDenied, error.StatusCode);
        Assert.Contains($"requires role {Word(needed)}", error.Status.Detail, StringComparison.Ordinal);
        Assert.Contains(role == Role.Unspecified ? "has no role" : $"has {Word(role)}", error.Status.Detail, StringComparison.Ordinal);
        var entry = await server.NewestAuditAsync();
        Assert.Equal(("PERMISSION_DENIED", error.Status.Detail, error.Trailers.GetValue("request-id")), (entry.Result, entry.Text, entry.RequestId));
    }

    private static async Task AssertCallerAsync(NetworkAdmin caller, Role role, string authentication)
    {
        var known = await caller.Admin.GetCallerAsync(new GetCallerRequest(), Call);
        Assert.Equal((role, authentication), (known.Role, known.Authentication));
        Assert.StartsWith($"{authentication} ", known.Name, StringComparison.Ordinal);
        Assert.True(known.ExpiresAt.ToDateTimeOffset() > DateTimeOffset.UtcNow);
    }

    private static string Word(Role role) => role.ToString().ToLowerInvariant();

    private static async Task FirstOfWatchAsync(NetworkAdmin caller)
    {
        using var watch = caller.Admin.WatchStats(new WatchStatsRequest(), Call);
        Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
    }
}
