using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Relay.EndToEnd.Support;

/// <summary>A real HTTP server that publishes keys at /keys and answers for the hook at /hook, as a test wants.</summary>
internal sealed class IdentityServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<string> _asked = [];
    private int _fetched;

    private IdentityServer(WebApplication app) => _app = app;

    /// <summary>What it says at /keys and at /hook.</summary>
    public Func<HttpContext, Task> OnKeys { get; set; } = Authority.Say(404, "");

    public Func<HttpContext, string, Task> OnHook { get; set; } = static (context, _) => Authority.Say(200, "{}")(context);

    public string KeysUrl => $"{_app.Urls.Single()}/keys";

    public string HookUrl => $"{_app.Urls.Single()}/hook";

    /// <summary>The questions to the hook.</summary>
    public IReadOnlyCollection<string> Asked => _asked;

    public int Fetched => Volatile.Read(ref _fetched);

    public static async Task<IdentityServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var server = new IdentityServer(app);
        app.Run(server.HandleAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        // Does not wait for what a test has left hanging.
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        try
        {
            if (context.Request.Path == "/keys")
            {
                Interlocked.Increment(ref _fetched);
                await OnKeys(context);
            }
            else if (context.Request.Path == "/hook")
            {
                using var reader = new StreamReader(context.Request.Body);
                var question = await reader.ReadToEndAsync(context.RequestAborted);
                _asked.Enqueue(question);
                await OnHook(context, question);
            }
            else
            {
                _asked.Enqueue($"elsewhere: {context.Request.Path}");
            }
        }
        catch (OperationCanceledException)
        {
            // The asker has hung up.
        }
    }
}
