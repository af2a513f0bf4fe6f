using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Relay.ClientAuth;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.ClientAuth;

/// <summary>Keys that an identity provider publishes, and changes.</summary>
public sealed class PublishedKeysTests
{
    private const string Unauthorized = "4401 Unauthorized";

    [Fact]
    public async Task Keys_AreChanged_NewOnesAreFetchedWhenATokenNamesOne()
    {
        using var first = new TokenIssuer("1");
        using var second = new TokenIssuer("2");
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var identity = await IdentityServer.StartAsync();
        identity.OnKeys = Authority.Say(200, first.PublicKeySet);
        await using var server = await StartAsync(identity, time);
        Assert.Equal("in", await AuthClient.TryAsync(server, first.Token("alice", "RS256")));
        Assert.Equal(1, identity.Fetched);

        // Lately fetched: whatever tokens name, the provider is not asked again.
        identity.OnKeys = Authority.Say(200, second.PublicKeySet);
        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, second.Token("alice", "RS256")));
        Assert.Equal(1, identity.Fetched);

        time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal("in", await AuthClient.TryAsync(server, second.Token("alice", "EdDSA")));
        Assert.Equal(2, identity.Fetched);
        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, first.Token("alice", "RS256")));
        Assert.Equal(2, identity.Fetched);
    }

    [Fact]
    public async Task Keys_CannotBeFetched_AreKeptAndWithoutAnyNobodyComesIn()
    {
        using var issuer = new TokenIssuer();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var identity = await IdentityServer.StartAsync();
        await using var server = await StartAsync(identity, time);
        Assert.Equal("1013 Authentication unavailable", await AuthClient.TryAsync(server, issuer.Token("alice")));

        identity.OnKeys = Authority.Say(200, issuer.PublicKeySet);
        time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal("in", await AuthClient.TryAsync(server, issuer.Token("alice")));

        foreach (var answer in new[] { Authority.Say(500, ""), Authority.Say(200, "rubbish"), Authority.Say(200, new string('{', 300_000)), Redirect })
        {
            identity.OnKeys = answer;
            var before = server.Get<PublishedKeys>().Failed;
            time.Advance(TimeSpan.FromSeconds(31));
            await server.Get<PublishedKeys>().FetchAsync();
            Assert.Equal(before + 1, server.Get<PublishedKeys>().Failed);
            Assert.Equal("in", await AuthClient.TryAsync(server, issuer.Token("alice")));
        }

        Assert.DoesNotContain(identity.Asked, path => path.StartsWith("elsewhere", StringComparison.Ordinal));
    }

    /// <summary>A secret that somebody publishes by mistake is known to everybody.</summary>
    [Fact]
    public async Task Keys_PublishedSecret_IsOfNoUse()
    {
        using var issuer = new TokenIssuer();
        await using var identity = await IdentityServer.StartAsync();
        identity.OnKeys = Authority.Say(200, issuer.KeySet);
        await using var server = await StartAsync(identity, TimeProvider.System);

        Assert.Equal("in", await AuthClient.TryAsync(server, issuer.Token("alice", "ES256")));
        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, issuer.Token("alice", "HS256")));
    }

    private static Task Redirect(HttpContext context)
    {
        context.Response.Redirect("/elsewhere");
        return Task.CompletedTask;
    }

    private static Task<RelayServer> StartAsync(IdentityServer identity, TimeProvider time) =>
        RelayServer.StartAsync(settings => settings.ClientAuth.JwksUrl = identity.KeysUrl, time);
}
