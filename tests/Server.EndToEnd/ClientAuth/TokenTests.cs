using Microsoft.Extensions.Logging;
using Relay.Configuration;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.ClientAuth;

/// <summary>Clients that must show a JSON Web Token, signed with one of the keys in a file.</summary>
public sealed class TokenTests : IDisposable
{
    private const string Unauthorized = "4401 Unauthorized";

    private readonly TokenIssuer _issuer = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-auth-").FullName;

    private string KeyFile => Path.Combine(_folder, "keys.json");

    public void Dispose()
    {
        _issuer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("HS256")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("EdDSA")]
    public async Task Token_OfEachAlgorithm_IsValidUntilALetterIsChanged(string algorithm)
    {
        await using var server = await StartAsync();
        var token = _issuer.Token("alice", algorithm);
        var claims = token.LastIndexOf('.') - 5;

        Assert.Equal("in", await AuthClient.TryAsync(server, token));
        Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Sign(algorithm, Claims(), keyId: "")));
        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, token[..claims] + (token[claims] == 'A' ? 'B' : 'A') + token[(claims + 1)..]));
        using var other = new TokenIssuer();
        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, other.Token("alice", algorithm)));
    }

    [Fact]
    public async Task Keys_InPem_AreOfUse()
    {
        File.WriteAllText(KeyFile, _issuer.Pem);
        await using var server = await StartAsync(keys: _issuer.Pem);

        foreach (var algorithm in new[] { "RS256", "ES256", "EdDSA" })
        {
            Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Token("alice", algorithm)));
        }

        // The file's key is public: a token that is signed with its text must not be taken for one with a shared secret.
        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, _issuer.SignWithPublicKey(Claims())));
    }

    [Fact]
    public async Task Token_WayToShowIt_HeaderSubprotocolOrQuery()
    {
        await using var server = await StartAsync();
        var token = _issuer.Token("alice");

        Assert.Equal("in", await AuthClient.TryAsync(server, null, $"/?a=b&token={token}"));
        using var bySubprotocol = await RawClient.ConnectAsync(server);
        await bySubprotocol.SendAsync(RawClient.Request(headers: [$"Sec-WebSocket-Protocol: token.{token}, relay"]));
        var head = await bySubprotocol.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Protocol: relay\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("token.", head, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "expired", $$"""{"sub":"a","iss":"id","aud":"relay","exp":{{TokenIssuer.Seconds(-120)}}}""" },
        { "not yet", $$"""{"sub":"a","iss":"id","aud":"relay","nbf":{{TokenIssuer.Seconds(86_400)}},"exp":{{TokenIssuer.Seconds(90_000)}}}""" },
        { "without an end", """{"sub":"a","iss":"id","aud":"relay"}""" },
        { "another issuer", $$"""{"sub":"a","iss":"other","aud":"relay","exp":{{TokenIssuer.Seconds(86_400)}}}""" },
        { "no issuer", $$"""{"sub":"a","aud":"relay","exp":{{TokenIssuer.Seconds(86_400)}}}""" },
        { "another audience", $$"""{"sub":"a","iss":"id","aud":["x","y"],"exp":{{TokenIssuer.Seconds(86_400)}}}""" },
        { "no audience", $$"""{"sub":"a","iss":"id","exp":{{TokenIssuer.Seconds(86_400)}}}""" },
        { "a limit of nobody", $$"""{"iss":"id","aud":"relay","max_connections":3,"exp":{{TokenIssuer.Seconds(86_400)}}}""" },
        { "a limit in words", $$"""{"sub":"a","iss":"id","aud":"relay","max_connections":"3","exp":{{TokenIssuer.Seconds(86_400)}}}""" },
        { "a subject that is a number", $$"""{"sub":7,"iss":"id","aud":"relay","exp":{{TokenIssuer.Seconds(86_400)}}}""" },
        { "no object", "[1]" },
        { "no JSON", "{" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Token_WithWrongClaims_IsRefused(string what, string claims)
    {
        await using var server = await StartAsync(settings => (settings.ClientAuth.Issuer, settings.ClientAuth.Audience) = ("id", "relay"));

        Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Sign("ES256", $$"""{"sub":"a","iss":"id","aud":["x","relay"],"exp":{{TokenIssuer.Seconds(600)}}}""")));
        Assert.True(await AuthClient.TryAsync(server, _issuer.Sign("ES256", claims)) == Unauthorized, what);
    }

    [Fact]
    public async Task Token_WrongAlgorithmOrNone_IsRefused()
    {
        await using var server = await StartAsync();
        var none = $"{TokenIssuer.Encode("""{"alg":"none"}""")}.{TokenIssuer.Encode(Claims())}.";

        foreach (var token in new[] { none, none + "AAAA", _issuer.Sign("RS512", Claims()), _issuer.Sign("RS512", Claims(), "1-RS256"), _issuer.Sign("ES256", Claims(), "1-RS256"), _issuer.Sign("ES256", Claims(), "unknown") })
        {
            Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, token));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("..")]
    [InlineData("a.b.c")]
    [InlineData("a.b.c.d.e")]
    [InlineData("%00%ff.%c3%28.=")]
    public async Task Token_IsNone_IsRefused(string token)
    {
        await using var server = await StartAsync();

        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, token));
        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, null, $"/?token={token}"));
        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, null));
    }

    [Fact]
    public async Task Token_Giant_IsRefusedAndOthersAreServed()
    {
        await using var server = await StartAsync();
        var giant = _issuer.Sign("HS256", $$"""{"sub":"a","x":"{{new string('x', 5000)}}","exp":{{TokenIssuer.Seconds(600)}}}""");

        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, giant));
        Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Token("alice")));
    }

    [Fact]
    public async Task Mode_HttpStatus_Says401WithAChallenge()
    {
        await using var server = await StartAsync(settings => settings.Admission.RejectionMode = Relay.Policy.RejectionMode.HttpStatus);
        using var client = await RawClient.ConnectAsync(server);
        await client.SendAsync(RawClient.Request());
        var head = await client.ReadHeadAsync();

        Assert.StartsWith("HTTP/1.1 401 ", head, StringComparison.Ordinal);
        Assert.Contains("WWW-Authenticate: Bearer", head, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Token_WrongAgainAndAgain_IsAViolation()
    {
        await using var server = await StartAsync(settings =>
        {
            (settings.AutoBan.Threshold, settings.AutoBan.PrivateNetworks) = (3, true);
        });
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, "wrong", from: "127.0.0.2"));
        }

        Assert.Equal("1008 Banned", await AuthClient.TryAsync(server, _issuer.Token("alice"), from: "127.0.0.2"));
        Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Token("alice"), from: "127.0.0.3"));
    }

    /// <summary>A new file is used at once, and one that cannot be used changes nothing.</summary>
    [Fact]
    public async Task Reload_OfKeys_TakesTheRightAndKeepsTheOld()
    {
        await using var server = await StartAsync();
        server.ExpectedError = error => error.StartsWith("Reloaded: not used: Clients:Auth:KeyFile: ", StringComparison.Ordinal);
        using var next = new TokenIssuer("2");
        File.WriteAllText(KeyFile, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}]}");
        var wrong = server.Get<Reloader>().Reload("test", "test");
        Assert.Contains("Clients:Auth:KeyFile", Assert.Single(wrong.Errors), StringComparison.Ordinal);
        Assert.DoesNotContain("c2hvcnQ", wrong.Errors[0], StringComparison.Ordinal);
        Assert.Equal("in", await AuthClient.TryAsync(server, _issuer.Token("alice")));

        File.WriteAllText(KeyFile, next.KeySet);
        Assert.Contains("keys of clients' tokens: 4", server.Get<Reloader>().Reload("test", "test").Applied);
        Assert.Equal("in", await AuthClient.TryAsync(server, next.Token("alice")));
        Assert.Equal(Unauthorized, await AuthClient.TryAsync(server, _issuer.Token("alice")));
    }

    [Fact]
    public async Task Log_AtTrace_HasNoToken()
    {
        await using var server = await StartAsync(settings => (settings.Log.Level, settings.Log.Connections) = (LogLevel.Trace, true));
        var log = LogCollector.Attach(server);
        var (right, wrong) = (_issuer.Token("alice"), _issuer.Token("alice")[..^9] + "wrongsign");
        foreach (var token in new[] { right, wrong })
        {
            await AuthClient.TryAsync(server, token);
            await AuthClient.TryAsync(server, null, $"/?token={token}");
            using var client = await RawClient.ConnectAsync(server);
            await client.SendAsync(RawClient.Request($"/x?token={token}", version: "7", headers: [$"Sec-WebSocket-Protocol: token.{token}"]));
            await client.ReadHeadAsync();
            using var bad = await RawClient.ConnectAsync(server);
            await bad.SendAsync($"GET /x?token={token} HTTP/1.1\r\nBroken\r\n\r\n");
            await bad.ReadHeadAsync();
        }

        server.Get<ILoggerFactory>().CreateLogger("test").LogTrace("the collector works");
        Assert.Contains(log.Lines, line => line == "the collector works");
        Assert.DoesNotContain(log.Lines, line => line.Contains(right[..40], StringComparison.Ordinal) || line.Contains("wrongsign", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Off_ByDefault_NobodyIsAsked()
    {
        await using var server = await RelayServer.StartAsync();

        Assert.Equal("in", await AuthClient.TryAsync(server, null));
        Assert.Equal("in", await AuthClient.TryAsync(server, "nonsense"));
    }

    private static string Claims() => $$"""{"sub":"alice","exp":{{TokenIssuer.Seconds(600)}}}""";

    private async Task<RelayServer> StartAsync(Action<RelaySettings>? configure = null, string? keys = null)
    {
        await File.WriteAllTextAsync(KeyFile, keys ?? _issuer.KeySet, TestContext.Current.CancellationToken);
        return await RelayServer.StartAsync(settings =>
        {
            settings.ClientAuth.KeyFile = KeyFile;
            configure?.Invoke(settings);
        });
    }
}
