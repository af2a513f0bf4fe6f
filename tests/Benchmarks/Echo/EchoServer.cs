using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Relay.Admission;
using Relay.Cluster;
using Relay.Configuration;
using Relay.Events;
using Relay.Policy;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Kestrel;

namespace Relay.Benchmarks.Echo;

/// <summary>The relay's transport and codec, and an echo in place of the relay: what conformance suites from outside, such as Autobahn, want to talk to.</summary>
internal static class EchoServer
{
    // What Autobahn's largest cases send.
    private const int MaxMessageBytes = 16 * 1024 * 1024;

    /// <summary>Serves until it is told to stop.</summary>
    public static async Task<int> RunAsync(int port, string transport)
    {
        if (!Enum.TryParse<TransportKind>(transport, ignoreCase: true, out var kind))
        {
            await Console.Error.WriteLineAsync($"echo: there is no transport '{transport}'; use engine or kestrel");
            return 2;
        }

        await using var app = Build(port, kind);
        await app.StartAsync();
        Console.WriteLine($"Echo on {string.Join(' ', app.Urls)}, {transport}");
        await app.WaitForShutdownAsync();
        return 0;
    }

    /// <summary>An echo on a port of this machine's loopback; 0: any.</summary>
    public static WebApplication Build(int port, TransportKind transport)
    {
        var settings = new RelaySettings();
        (settings.Listen.Address, settings.Listen.Port) = ("127.0.0.1", port);
        settings.Listen.Transport = transport;
        settings.Listen.MaxHandshakesPerIp = settings.Listen.MaxHandshakes;
        settings.Admission.PolicyFile = "";
        settings.Admission.OverloadLevel = "normal";
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "echo" });
        builder.WebHost.UseKestrelCore();
        builder.Services
            .AddSingleton(TimeProvider.System)
            .AddSingleton<ClientEntrance>(_ => Open)
            .AddTelemetry(settings.Log, [])
            .AddEvents()
            .AddCluster(settings.Cluster)
            .AddPolicy(settings.Admission, settings.Storage, settings.Cluster)
            .AddAdmission(settings.Admission, settings.AutoBan, settings.Overload, settings.Sessions.MaxMessageBytes, settings.Cluster)
            .AddTransport(settings.Listen, settings.Admission.ReconcileInterval);
        var app = builder.Build();
        app.Services.GetRequiredService<RelayState>().TryServe();
        app.Run(context => KestrelUpgrade.HandleAsync(context, Open));
        return app;
    }

    private static UpgradeOutcome Open(UpgradeRequest request, Connection connection)
    {
        connection.FinishHandshake();
        return WebSocketHandshake.Check(request) is { } answer ? answer : new UpgradeOutcome(null, new EchoConnection(connection, MaxMessageBytes));
    }
}
