using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Federation;

/// <summary>A relay that finds others by a registry, and leaves it when it stops.</summary>
public sealed class RegistryTests
{
    [Fact]
    public async Task Server_ThatTheRegistryLists_IsLinkedAndOurEntryGoesAtStop()
    {
        await using var all = await FederationOfServers.StartAsync(1);
        var requests = new ConcurrentQueue<string>();
        await using var registry = Registry(
            requests, $$"""{"servers":[{"serverId":"{{FederationOfServers.IdOf(all.Servers[0])}}","endpoint":"ws://127.0.0.1:{{all.Servers[0].Port}}","publicKey":""}],"timestamp":0}""");
        await registry.StartAsync(TestContext.Current.CancellationToken);
        var server = await all.AddAsync(settings =>
        {
            settings.Federation.Connect = [];
            settings.Federation.BootstrapUrl = registry.Urls.Single();
        });
        var id = FederationOfServers.IdOf(server);

        await all.LinkedAsync();
        await all.StopAsync(server);

        Assert.Equal(["POST /servers", "GET /servers", $"DELETE /servers/{id}"], requests);
    }

    [Fact]
    public async Task Stop_RegistryDoesNotAnswer_IsNotHeldUpForLong()
    {
        var never = new TaskCompletionSource();
        await using var all = await FederationOfServers.StartAsync(0);
        var requests = new ConcurrentQueue<string>();
        await using var registry = Registry(requests, """{"servers":[],"timestamp":0}""", never.Task);
        await registry.StartAsync(TestContext.Current.CancellationToken);
        var server = await all.AddAsync(settings => settings.Federation.BootstrapUrl = registry.Urls.Single());
        await Eventually.TrueAsync(() => requests.Contains("GET /servers"), "registered", TimeSpan.FromSeconds(30));

        await all.StopAsync(server).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Contains(requests, request => request.StartsWith("DELETE", StringComparison.Ordinal));
        never.SetResult();
    }

    private static WebApplication Registry(ConcurrentQueue<string> requests, string list, Task? beforeDelete = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add($"http://127.0.0.1:{FreePort.Take()}");
        app.Run(async context =>
        {
            requests.Enqueue($"{context.Request.Method} {context.Request.Path}");
            if (context.Request.Method == "DELETE" && beforeDelete is not null)
            {
                await beforeDelete.WaitAsync(context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await context.Response.WriteAsync(context.Request.Method == "GET" ? list : """{"success":true,"peers":[]}""");
        });
        return app;
    }
}
