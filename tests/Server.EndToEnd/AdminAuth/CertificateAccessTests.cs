using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.AdminAuth;

/// <summary>Client certificates: who signed them, when they end, what they are for.</summary>
public sealed class CertificateAccessTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Certificate_OfAnotherAuthority_IsTurnedAway()
    {
        using var other = new TestAuthority("CN=other authority");
        await using var server = await NetworkAdmin.StartAsync(_authority);
        using var certificate = other.IssueClient("CN=admin");
        using var caller = new NetworkAdmin(server, _authority, certificate);

        await caller.ExpectUnauthenticatedAsync("is not signed by an authority in the relay's Admin:ClientCaFile");
        Assert.StartsWith("certificate CN=admin (sha256 ", (await server.NewestAuditAsync()).Who, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certificate_Expired_IsTurnedAwayWithItsDate()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        using var certificate = _authority.IssueClient("CN=admin", days: -1);
        using var caller = new NetworkAdmin(server, _authority, certificate);

        await caller.ExpectUnauthenticatedAsync($"expired on {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}");
    }

    [Fact]
    public async Task Certificate_ExpiresWhileConnected_IsTurnedAwayFromThenOn()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await NetworkAdmin.StartAsync(_authority, time);
        using var certificate = _authority.IssueClient("CN=admin", days: 1);
        using var caller = new NetworkAdmin(server, _authority, certificate);
        await caller.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        time.Advance(TimeSpan.FromDays(2));

        await caller.ExpectUnauthenticatedAsync("expired on ");
    }

    [Fact]
    public async Task Certificate_OfAServer_IsNoClients()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        using var certificate = _authority.Issue("CN=admin", "1.3.6.1.5.5.7.3.1");
        using var caller = new NetworkAdmin(server, _authority, certificate);

        await caller.ExpectUnauthenticatedAsync("is not valid for this use: NotValidForUsage");
    }

    [Fact]
    public async Task Certificate_Pinned_NeedsNoAuthority()
    {
        using var certificate = TestAuthority.SelfSigned("CN=pinned");
        var fingerprint = string.Join(':', certificate.GetCertHash(HashAlgorithmName.SHA256).Select(b => b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
        await using var server = await NetworkAdmin.StartAsync(_authority, configure: settings => (settings.Admin.ClientCaFile, settings.Admin.ClientRoles) = ("", [$"{fingerprint}=operate"]));
        using var caller = new NetworkAdmin(server, _authority, certificate);
        await new PolicyAdmin(caller.Channel).SetPerIpAsync(40);
        Assert.Matches("^certificate CN=pinned \\(sha256 [0-9a-f]{16}\\)$", (await server.NewestAuditAsync()).Who);

        using var another = TestAuthority.SelfSigned("CN=pinned");
        using var impostor = new NetworkAdmin(server, _authority, another);
        await impostor.ExpectUnauthenticatedAsync("its fingerprint is not in Admin:ClientRoles");
    }

    [Fact]
    public async Task Certificate_BesideAToken_TheTokenCounts()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        using var certificate = _authority.IssueClient("CN=admin");
        using var caller = new NetworkAdmin(server, _authority, certificate, await server.TokenAsync(Role.Read));

        var error = await Assert.ThrowsAsync<RpcException>(() => new PolicyAdmin(caller.Channel).SetPerIpAsync(40));
        Assert.Equal(StatusCode.PermissionDenied, error.StatusCode);
        Assert.Contains("relayctl token create --role operate", error.Status.Detail, StringComparison.Ordinal);
    }

    public void Dispose() => _authority.Dispose();
}
