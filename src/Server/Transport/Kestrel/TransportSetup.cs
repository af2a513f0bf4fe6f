using System.Security.Cryptography.X509Certificates;
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
            .AddSingleton<EngineTransport>()
            .AddSingleton<LoopStatistics>()
            .AddSingleton<IStatistics>(provider => provider.GetRequiredService<LoopStatistics>())
            .AddSingleton<LedgerReconciler>()
            .AddPeriodic<LedgerReconciler>(reconcileInterval, (reconciler, stop) => reconciler.RunAsync(stop))
            .AddSingleton<IStatistics, TransportStatistics>()
            .AddSingleton<IStatistics, ProxyHeaderStatistics>()
            .Configure<SocketTransportOptions>(sockets => sockets.Backlog = options.Backlog)
            .Configure<KestrelServerOptions>(kestrel => Configure(kestrel, options));
        return services;
    }

    private static void Configure(KestrelServerOptions kestrel, PublicListenerOptions options)
    {
        kestrel.AddServerHeader = false;

        // Header values may hold any byte above 127 (obs-text of RFC 9110), not UTF-8 alone.
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;

        // Max connections make one request; keeping its header texts for a next one would keep them for good.
        kestrel.DisableStringReuse = true;
        kestrel.Limits.RequestHeadersTimeout = options.HandshakeTimeout;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeadBytes;
        kestrel.Limits.MaxRequestLineSize = MaxHeadBytes / 2;
        foreach (var listener in options.Listeners)
        {
            var usesEngine = options.UsesEngine(listener);
            kestrel.Listen(new PublicEndPoint(listener, usesEngine), listen => Configure(listen, listener, usesEngine, options));
        }
    }

    private static void Configure(KestrelListen listen, Listener listener, bool usesEngine, PublicListenerOptions options)
    {
        // One WebSocket is one TCP connection, which HTTP/2 would change.
        listen.Protocols = HttpProtocols.Http1;
        if (!usesEngine)
        {
            var headers = listen.ApplicationServices.GetRequiredService<ProxyHeaderReader>();
            listen.Use(next => connection => headers.OnConnectionAsync(connection, next));
        }

        if (listener.UsesTls)
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(options.CertificateFile);
            listen.UseHttps(https =>
            {
                https.ServerCertificate = X509Certificate2.CreateFromPemFile(options.CertificateFile, options.KeyFile);
                https.ServerCertificateChain = chain;
                https.HandshakeTimeout = options.HandshakeTimeout;
            });
        }
    }
}
