using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Relay.Federation;
using Relay.Federation.Bootstrap;
using Relay.Federation.Gossip;
using Server.Tests.Federation.Gossip;

namespace Server.Tests.Federation.Bootstrap;

/// <summary>The client of a registry, against a registry of the tests on a real socket.</summary>
public sealed class BootstrapTests : IAsyncLifetime, IDisposable
{
    private static readonly LocalServer[] Servers = FederationModel.Servers(3);
    private static readonly BootstrapLoad Load = new(10, 7, 3, 2);

    private readonly PeerSigner _registryKey = new(100);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));
    private readonly FederationOptions _options = new();
    private readonly List<(string Request, string Secret, string Body)> _requests = [];
    private readonly string _secretFile = Path.GetTempFileName();
    private readonly WebApplication _registry;
    private Func<HttpContext, Task> _answer = _ => Task.CompletedTask;

    public BootstrapTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _registry = builder.Build();
        _registry.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            _requests.Add(($"{context.Request.Method} {context.Request.Path}", $"{context.Request.Headers.Authorization}", await reader.ReadToEndAsync()));
            await _answer(context);
        });
    }

    private BootstrapClient Client => new(_options, new BootstrapRequests(Servers[0], _time), _time);

    public async ValueTask InitializeAsync()
    {
        await _registry.StartAsync(TestContext.Current.CancellationToken);
        _options.BootstrapUrl = _registry.Urls.Single();
    }

    public async ValueTask DisposeAsync()
    {
        await _registry.DisposeAsync();
        Dispose();
    }

    public void Dispose()
    {
        _registryKey.Dispose();
        File.Delete(_secretFile);
    }

    [Fact]
    public async Task Register_SendsWhatARegistryAsksFor()
    {
        await File.WriteAllTextAsync(_secretFile, "secret\n", TestContext.Current.CancellationToken);
        _options.BootstrapSecretFile = _secretFile;
        using var client = Client;

        Assert.True((await client.RegisterAsync(Load, TestContext.Current.CancellationToken)).Succeeded);

        var (request, secret, text) = Assert.Single(_requests);
        Assert.Equal(("POST /servers", "Bearer secret"), (request, secret));
        var body = JsonNode.Parse(text)!.AsObject();
        Assert.Equal(
            ["serverId", "timestamp", "nonce", "endpoint", "publicKey", "region", "connections", "relayConnections", "signalingConnections", "activeCodes"],
            body.Select(field => field.Key));
        Assert.Equal(Servers[0].ServerId, (string?)body["serverId"]);
        Assert.Equal(Servers[0].Endpoint, (string?)body["endpoint"]);
        Assert.Equal("unknown", (string?)body["region"]);
        Assert.Equal(1_700_000_000_000, (long?)body["timestamp"]);
        Assert.Equal((10, 2), ((int?)body["connections"], (int?)body["activeCodes"]));
        Assert.InRange(text.Length, 1, 4096);
    }

    [Fact]
    public async Task Heartbeat_HasTheNextNumberAndNamesTheOthers()
    {
        AnswerWith($$"""{"success":true,"peers":[{{EntryOf(0)}},{{EntryOf(1)}},{"serverId":"nobody","endpoint":"wss://x.example"},7]}""");
        using var client = Client;

        await client.HeartbeatAsync(Load, TestContext.Current.CancellationToken);
        var result = await client.HeartbeatAsync(Load, TestContext.Current.CancellationToken);

        Assert.Equal([new BootstrapServer(Servers[1].ServerId, Servers[1].Endpoint)], result.Servers);
        Assert.Equal([1, 2], _requests.Select(request => (int?)JsonNode.Parse(request.Body)!["sequenceNumber"]));
        Assert.Equal("POST /servers/heartbeat", _requests[0].Request);
        Assert.InRange(_requests[0].Body.Length, 1, 1024);
    }

    [Fact]
    public async Task Heartbeat_OfWhomTheRegistryForgot_RegistersAgainAndLists()
    {
        _answer = context =>
        {
            context.Response.StatusCode = context.Request.Path == "/servers/heartbeat" ? 404 : 200;
            return context.Response.WriteAsync($$"""{"servers":[{{EntryOf(2)}}],"timestamp":1700000000000}""");
        };
        using var client = Client;

        var result = await client.HeartbeatAsync(Load, TestContext.Current.CancellationToken);

        Assert.Equal([Servers[2].ServerId], result.Servers.Select(server => server.ServerId));
        Assert.Equal(["POST /servers/heartbeat", "POST /servers", "GET /servers"], _requests.Select(request => request.Request));
    }

    [Fact]
    public async Task List_SignedByTheKey_IsUsed()
    {
        _options.BootstrapKey = _registryKey.Identity.PublicKeyBase64;
        AnswerSigned($$"""{"servers":[{{EntryOf(1)}}],"timestamp":1700000000000}""");
        using var client = Client;

        Assert.Equal([Servers[1].ServerId], (await client.ListAsync(TestContext.Current.CancellationToken)).Servers.Select(server => server.ServerId));
    }

    [Theory]
    [InlineData(0, "changed")]
    [InlineData(6, null)]
    [InlineData(-6, null)]
    [InlineData(0, null, false)]
    public async Task List_ChangedOldOrUnsigned_IsNotUsed(int minutes, string? change, bool isSigned = true)
    {
        _options.BootstrapKey = _registryKey.Identity.PublicKeyBase64;
        AnswerSigned($$"""{"servers":[{{EntryOf(1)}}],"timestamp":1700000000000}""", change ?? "", isSigned);
        _time.AdjustTime(_time.GetUtcNow().AddMinutes(minutes));
        using var client = Client;

        var result = await client.ListAsync(TestContext.Current.CancellationToken);

        Assert.Empty(result.Servers);
        Assert.Contains("not signed", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Heartbeat_WithAKey_TakesOnlyTheSignedList()
    {
        _options.BootstrapKey = _registryKey.Identity.PublicKeyBase64;
        AnswerSigned($$"""{"peers":[{{EntryOf(1)}}],"servers":[{{EntryOf(2)}}],"timestamp":1700000000000}""");
        using var client = Client;

        Assert.Equal([Servers[2].ServerId], (await client.HeartbeatAsync(Load, TestContext.Current.CancellationToken)).Servers.Select(server => server.ServerId));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(404)]
    public async Task Remove_DeletesItsEntry(int status)
    {
        _answer = context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        };
        using var client = Client;

        Assert.True((await client.RemoveAsync(TestContext.Current.CancellationToken)).Succeeded);
        Assert.Equal($"DELETE /servers/{Servers[0].ServerId}", Assert.Single(_requests).Request);
    }

    [Theory]
    [InlineData(401, "BootstrapSecretFile")]
    [InlineData(400, "Identity:PublicEndpoint")]
    [InlineData(503, "503")]
    [InlineData(302, "302")]
    public async Task Any_StatusOfRefusal_SaysWhatToDo(int status, string hint)
    {
        _answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        };
        using var client = Client;

        Assert.Contains(hint, (await client.RegisterAsync(Load, TestContext.Current.CancellationToken)).Error, StringComparison.Ordinal);
        Assert.Single(_requests);
    }

    [Fact]
    public async Task List_EndlessAnswer_IsRefused()
    {
        AnswerWith(new string(' ', 2 * 1024 * 1024));
        using var client = Client;

        Assert.Contains("too long", (await client.ListAsync(TestContext.Current.CancellationToken)).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"servers":7}""")]
    public async Task List_SomethingElse_IsRefused(string body)
    {
        AnswerWith(body);
        using var client = Client;

        Assert.Contains("BootstrapUrl", (await client.ListAsync(TestContext.Current.CancellationToken)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Register_NoAnswer_EndsInTime()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _answer = async context =>
        {
            arrived.SetResult();
            await new TaskCompletionSource().Task.WaitAsync(context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        };
        using var client = Client;

        var registering = client.RegisterAsync(Load, TestContext.Current.CancellationToken);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, TestContext.Current.CancellationToken);
        _time.Advance(_options.BootstrapTimeout);

        Assert.Contains("10 s", (await registering).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Register_NobodyThere_IsSaid()
    {
        await _registry.StopAsync(TestContext.Current.CancellationToken);
        using var client = Client;

        Assert.Contains("no connection", (await client.RegisterAsync(Load, TestContext.Current.CancellationToken)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Register_NoSecretFile_IsSaidAndNothingIsSent()
    {
        _options.BootstrapSecretFile = "/nowhere/secret";
        using var client = Client;

        Assert.Contains("BootstrapSecretFile", (await client.RegisterAsync(Load, TestContext.Current.CancellationToken)).Error, StringComparison.Ordinal);
        Assert.Empty(_requests);
    }

    private void AnswerWith(string body) => _answer = context => context.Response.WriteAsync(body);

    private void AnswerSigned(string body, string change = "", bool isSigned = true) => _answer = context =>
    {
        if (isSigned)
        {
            context.Response.Headers["X-Bootstrap-Signature"] = Convert.ToBase64String(_registryKey.Identity.Sign(Encoding.UTF8.GetBytes(body)));
        }

        return context.Response.WriteAsync(change.Length > 0 ? body.Replace("wss:", change, StringComparison.Ordinal) : body);
    };

    private static string EntryOf(int server) =>
        $$"""{"serverId":"{{Servers[server].ServerId}}","endpoint":"{{Servers[server].Endpoint}}","publicKey":"{{Servers[server].PublicKey}}","region":"eu","lastSeen":1}""";
}
