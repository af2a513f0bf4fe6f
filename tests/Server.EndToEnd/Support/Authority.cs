using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Relay.EndToEnd.Support;

/// <summary>The attestation authority: a real HTTP server that answers as a test wants, and remembers what it was asked.</summary>
internal sealed class Authority : IAsyncDisposable
{
    public const string Challenge = """{"nonce":"nonce-1","regions":[{"offset":0,"length":16}, {"index":1,"offset":4096,"length":32}]}""";
    public const string Valid = """{"valid":true,"session_token":"session-token-1"}""";

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Path, string Body)> _asked = [];

    private Authority(WebApplication app) => _app = app;

    /// <summary>What it says to /attest/challenge and to /attest/verify.</summary>
    public Func<HttpContext, Task> OnChallenge { get; set; } = Say(200, Challenge);

    public Func<HttpContext, Task> OnVerify { get; set; } = Say(200, Valid);

    public IReadOnlyCollection<(string Path, string Body)> Asked => _asked;

    public string Url => _app.Urls.Single();

    public static async Task<Authority> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var authority = new Authority(app);
        app.Run(authority.HandleAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return authority;
    }

    /// <summary>A relay that asks this authority and gives no grace, so that what is proven and what is not can be told apart at once.</summary>
    public Task<RelayServer> StartRelayAsync(Action<Relay.Configuration.RelaySettings>? configure = null, TimeProvider? time = null) =>
        RelayServer.StartAsync(
            settings =>
            {
                settings.Attestation.AuthorityUrl = Url + "/";
                settings.Attestation.GracePeriod = TimeSpan.Zero;
                configure?.Invoke(settings);
            },
            time);

    public static Func<HttpContext, Task> Say(int status, string body) => context =>
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(body, context.RequestAborted);
    };

    /// <summary>Says it once the gate is open; gives up when the asker does.</summary>
    public static Func<HttpContext, Task> SayLater(Task gate, string body) => async context =>
    {
        await gate.WaitAsync(context.RequestAborted);
        await context.Response.WriteAsync(body, context.RequestAborted);
    };

    public Task AskedIsAsync(int count) => Eventually.TrueAsync(() => _asked.Count == count, $"asked {count} times");

    public async ValueTask DisposeAsync()
    {
        // Does not wait for what a test has left hanging.
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        Assert.Equal(("POST", "application/json"), (context.Request.Method, context.Request.ContentType));
        var path = context.Request.Path.Value!;
        _asked.Enqueue((path, body));
        try
        {
            await (path switch
            {
                "/attest/challenge" => OnChallenge(context),
                "/attest/verify" => OnVerify(context),
                _ => Say(404, "")(context),
            });
        }
        catch (OperationCanceledException)
        {
            // The asker has hung up.
        }
    }
}
