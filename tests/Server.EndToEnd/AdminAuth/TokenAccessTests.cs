using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.AdminAuth;

/// <summary>Tokens from their making to their end.</summary>
public sealed class TokenAccessTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Call_TokenOfEveryWrongKind_IsTurnedAwayWithTheReason()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        var token = await server.TokenAsync(Role.Read);
        foreach (var (text, reason) in new[]
        {
            ("", "is not a Bearer token"),
            ("relay_", "this is not a relay token"),
            (token[..^1], "it may be truncated"),
            (token[..^1] + (token[^1] == 'A' ? 'B' : 'A'), "does not know this token"),
            ("relay_00000000" + token[14..], "does not know this token"),
        })
        {
            using var caller = new NetworkAdmin(server, _authority, token: text);
            await caller.ExpectUnauthenticatedAsync(reason);
        }
    }

    [Fact]
    public async Task Token_Revoked_EndsCallsAndStreams()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        var created = await server.Admin.CreateTokenAsync(new CreateTokenRequest { Name = "ci", Role = Role.Read }, Call);
        using var caller = new NetworkAdmin(server, _authority, token: created.Token);
        using var watch = caller.Admin.WatchStats(new WatchStatsRequest { Interval = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(100)) }, Call);
        Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        var revoked = await server.Admin.RevokeTokenAsync(new RevokeTokenRequest { Id = created.Info.Id, Reason = "leaked" }, Call);
        Assert.Equal("ci", revoked.Info.Name);
        await caller.ExpectUnauthenticatedAsync("it was revoked");
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
            {
            }
        });
        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
        error = await Assert.ThrowsAsync<RpcException>(() => server.Admin.RevokeTokenAsync(new RevokeTokenRequest { Id = created.Info.Id }, Call).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
    }

    [Fact]
    public async Task Token_ItsTimeIsOver_IsTurnedAwayAndListedAsExpired()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await NetworkAdmin.StartAsync(_authority, time);
        var request = new CreateTokenRequest { Name = "ci", Role = Role.Operate, Lifetime = Duration.FromTimeSpan(TimeSpan.FromMinutes(5)) };
        var token = (await server.Admin.CreateTokenAsync(request, Call)).Token;
        using var caller = new NetworkAdmin(server, _authority, token: token);
        await caller.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        time.Advance(TimeSpan.FromMinutes(5));

        await caller.ExpectUnauthenticatedAsync("expired on ");
        var listed = Assert.Single((await server.Admin.ListTokensAsync(new ListTokensRequest(), Call)).Tokens);
        Assert.True(listed.Expired);
        Assert.Equal(TimeSpan.FromMinutes(5), listed.ExpiresAt.ToDateTimeOffset() - listed.LastUsed.ToDateTimeOffset());

        // The name is free again, and the old one is forgotten after a month.
        await server.Admin.CreateTokenAsync(request, Call);
        time.Advance(TimeSpan.FromDays(31));
        await server.Admin.CreateTokenAsync(request, Call);
        Assert.Single((await server.Admin.ListTokensAsync(new ListTokensRequest(), Call)).Tokens);
    }

    [Fact]
    public async Task CreateToken_BadFieldsAndTakenName_AreRefused()
    {
        await using var server = await RelayServer.StartAsync();
        var bad = new CreateTokenRequest { Name = "two words", Lifetime = Duration.FromTimeSpan(TimeSpan.FromSeconds(59)), Reason = new string('x', 257) };
        var error = await Assert.ThrowsAsync<RpcException>(() => server.Admin.CreateTokenAsync(bad, Call).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.All(["name", "role", "lifetime", "reason"], (string field) => Assert.Contains($"{field}: ", error.Status.Detail, StringComparison.Ordinal));

        var good = new CreateTokenRequest { Name = "ci", Role = Role.Read, Lifetime = Duration.FromTimeSpan(TimeSpan.FromDays(3650)) };
        await server.Admin.CreateTokenAsync(good, Call);
        error = await Assert.ThrowsAsync<RpcException>(() => server.Admin.CreateTokenAsync(good, Call).ResponseAsync);
        Assert.Equal(StatusCode.AlreadyExists, error.StatusCode);
    }

    [Fact]
    public async Task CreateToken_FileCannotBeWritten_ThereIsNoToken()
    {
        await using var server = await RelayServer.StartAsync(settings => Directory.CreateDirectory(settings.Admin.TokenFile + ".new"));
        var error = await Assert.ThrowsAsync<RpcException>(() => server.Admin.CreateTokenAsync(new CreateTokenRequest { Name = "ci", Role = Role.Read }, Call).ResponseAsync);

        Assert.Equal(StatusCode.Internal, error.StatusCode);
        Assert.StartsWith("nothing has changed", error.Status.Detail, StringComparison.Ordinal);
        Assert.Empty((await server.Admin.ListTokensAsync(new ListTokensRequest(), Call)).Tokens);
        Assert.Equal("INTERNAL", (await server.NewestAuditAsync()).Result);
    }

    [Fact]
    public async Task Secrets_AfterAllThat_AreInNoFile()
    {
        await using var server = await NetworkAdmin.StartAsync(_authority);
        var log = LogCollector.Attach(server);
        var token = await server.TokenAsync(Role.Read);
        using (var caller = new NetworkAdmin(server, _authority, token: token))
        {
            await Assert.ThrowsAsync<RpcException>(() => new PolicyAdmin(caller.Channel).SetPerIpAsync(40));
        }

        var folder = Path.GetDirectoryName(server.Settings.Audit.File)!;
        var texts = Directory.GetFiles(folder, "*.json*").Select(File.ReadAllText).Append(string.Join('\n', log.Lines)).ToArray();
        Assert.Equal(4, texts.Length);
        Assert.Contains(texts, text => text.Contains(token.Split('_')[1], StringComparison.Ordinal));
        Assert.DoesNotContain(texts, text => text.Contains(token[15..], StringComparison.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(server.Settings.Admin.TokenFile));
    }

    public void Dispose() => _authority.Dispose();
}
