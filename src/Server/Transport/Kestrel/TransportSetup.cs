using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Relay.Scheduling;
using Relay.Telemetry;
using Relay.Transport.Engine;
using KestrelListen = Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions;

namespace Relay.Transport.Kestrel;

internal static class TransportSetup
{
    // A WebSocket upgrade with a long chain of proxies needs 2 KB; nothing else is sent here.
    private const int MaxHeadBytes = 16 * 1024;

    public static IServiceCollection AddTransport(this IServiceCollection services, PublicListenerOptions options, TimeSpan reconcileInterval)
    {
        var certificate = new ListenerCertificate("public", "Listen:CertificateFile", () => (options.CertificateFile, options.KeyFile));
        services
            .AddSingleton(options)
            .AddSingleton<ClosingConnections>()
            .AddPeriodic<ClosingConnections>(ClosingConnections.Interval, closing => closing.Sweep())
            .AddSingleton<HandshakeGuard>()
            .AddPeriodic<HandshakeGuard>(HandshakeGuard.Interval, guard => guard.ResetExpired())
            .AddSingleton<ConnectionTable>()
            .AddSingleton<FileDescriptorBudget>()
            .AddSingleton<AcceptFilter>()
            .AddSingleton<SocketTransportFactory>()
            .AddSingleton<IConnectionListenerFactory, PublicListenerFactory>()
            .AddSingleton<ProxyHeaderGate>()
            .AddSingleton<ProxyHeaderReader>()
            .AddSingleton<OpenListeners>()
            .AddSingleton<EngineLoops>()
            .AddSingleton<EngineTransport>()
            .AddSingleton<LoopStatistics>()
            .AddSingleton<IStatistics>(provider => provider.GetRequiredService<LoopStatistics>())
            .AddSingleton<LedgerReconciler>()
            .AddPeriodic<LedgerReconciler>(reconcileInterval, (reconciler, stop) => reconciler.RunAsync(stop))
            .AddSingleton<IStatistics, TransportStatistics>()
            .AddSingleton(certificate)
            .AddSingleton(_ => InheritedSockets.Receive(Environment.GetEnvironmentVariable, Environment.ProcessId, options.Listeners))
            .AddSingleton<CertificateExpiry>()
            .AddSingleton<IStatistics>(provider => provider.GetRequiredService<CertificateExpiry>())
            .AddPeriodic<CertificateExpiry>(CertificateExpiry.Interval, expiry => expiry.Warn())
            .AddSingleton<IStatistics, ProxyHeaderStatistics>()
            .Configure<SocketTransportOptions>(sockets => (sockets.Backlog, sockets.MaxReadBufferSize, sockets.MaxWriteBufferSize) =
                (options.Backlog, KestrelConnection.MaxPipeBytes, KestrelConnection.MaxPipeBytes))
            .Configure<KestrelServerOptions>(kestrel => Configure(kestrel, options, certificate));
        return services;
    }

    private static void Configure(KestrelServerOptions kestrel, PublicListenerOptions options, ListenerCertificate certificate)
    {
        kestrel.AddServerHeader = false;

        // Header values may hold any byte above 127 (obs-text of RFC 9110), not UTF-8 alone.
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;

        // Max connections make one request; keeping its header texts for a next one would keep them for good.
        kestrel.DisableStringReuse = true;
        kestrel.Limits.MaxRequestBufferSize = kestrel.Limits.MaxResponseBufferSize = KestrelConnection.MaxPipeBytes;
        kestrel.Limits.RequestHeadersTimeout = options.HandshakeTimeout;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeadBytes;
        kestrel.Limits.MaxRequestLineSize = MaxHeadBytes / 2;
        foreach (var listener in options.Listeners)
        {
            var usesEngine = options.UsesEngine(listener);
            kestrel.Listen(new PublicEndPoint(listener, usesEngine), listen =>
            {
                Configure(listen, usesEngine);
                if (listener.UsesTls)
                {
                    listen.UseTls(certificate, options.HandshakeTimeout);
                }
            });
        }
    }

    private static void Configure(KestrelListen listen, bool usesEngine)
    {
        // One WebSocket is one TCP connection, which HTTP/2 would change.
        listen.Protocols = HttpProtocols.Http1;
        if (!usesEngine)
        {
            var headers = listen.ApplicationServices.GetRequiredService<ProxyHeaderReader>();
            listen.Use(next => connection => headers.OnConnectionAsync(connection, next));
        }
    }
}
