using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Relay.Scheduling;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Kestrel;

namespace Relay.AdminAuth;

internal static class AdminAuthSetup
{
    // A caller whose machine has vanished stays connected no longer than this and as long again.
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    public static IServiceCollection AddAdminAuth(this IServiceCollection services, AdminOptions options)
    {
        var path = AdminSocket.PathOf(options);
        var socket = new AdminSocket();

        // A client's certificate is taken as it is: CertificateRoles evaluates it, and a token does without one.
        var certificate = new ListenerCertificate("admin", "Admin:CertificateFile", () => (options.CertificateFile, options.KeyFile), asksClients: true);
        services.AddOptions<SocketTransportOptions>().Configure<OpenListeners>((sockets, listeners) =>
            sockets.CreateBoundListenSocket = endpoint => BoundSocket.Open(endpoint, socket, listeners));
        return services
            .AddAuthentication()
            .AddSingleton(options)
            .AddSingleton<SocketRoles>()
            .AddSingleton<CertificateRoles>()
            .AddSingleton<TokenStore>()
            .AddHostedService(provider => provider.GetRequiredService<TokenStore>())
            .AddSingleton<CallerAuthenticator>()
            .AddSingleton<AdminFeedTokens>()
            .AddSingleton<AdminConnections>()
            .AddSingleton<IStatistics, AdminConnectionStatistics>()
            .AddSingleton(socket)
            .AddSingleton(certificate)
            .AddSingleton<AdminSocketListener>()
            .AddSingleton<IConnectionListenerFactory>(provider => provider.GetRequiredService<AdminSocketListener>())
            .AddPeriodic<AdminSocketListener>(AdminSocketListener.Interval, (listener, stop) => listener.LookAsync(stop))
            .Configure<KestrelServerOptions>(kestrel =>
            {
                // Clients come by HTTP/1.1 only: these are the operators' own.
                kestrel.Limits.Http2.MaxStreamsPerConnection = options.MaxStreams;
                kestrel.Limits.Http2.KeepAlivePingDelay = PingDelay;
                kestrel.ListenUnixSocket(path, listen => Configure(listen, AdminTransport.Unix));
                if (options.ListenEndPoint is { } endpoint)
                {
                    kestrel.Listen(endpoint, listen =>
                    {
                        Configure(listen, options.UsesTls ? AdminTransport.Tls : AdminTransport.Tcp);
                        if (options.UsesTls)
                        {
                            listen.UseTls(certificate, HandshakeTimeout);
                        }
                    });
                }
            });
    }

    // The core only: nothing here needs the key ring that the whole would keep in a home directory.
    private static IServiceCollection AddAuthentication(this IServiceCollection services)
    {
        services.AddAuthenticationCore(authentication =>
        {
            authentication.DefaultScheme = AdminAuthenticationHandler.SchemeName;
            authentication.AddScheme<AdminAuthenticationHandler>(AdminAuthenticationHandler.SchemeName, displayName: null);
        });

        services.AddAuthorizationBuilder().SetFallbackPolicy(MethodAuthorization.Fallback);
        return services;
    }

    private static void Configure(Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions listen, AdminTransport transport)
    {
        listen.Protocols = HttpProtocols.Http2;
        var connections = listen.ApplicationServices.GetRequiredService<AdminConnections>();
        listen.Use(next => connection => connections.RunAsync(connection, transport, next));
        if (transport == AdminTransport.Unix)
        {
            listen.Use(next => connection => AuthorityPipe.RunAsync(connection, next));
        }
    }
}
