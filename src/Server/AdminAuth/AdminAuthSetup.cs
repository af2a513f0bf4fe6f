using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Relay.Telemetry;

namespace Relay.AdminAuth;

internal static class AdminAuthSetup
{
    // A caller whose machine has vanished stays connected no longer than this and as long again.
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(30);

    public static IServiceCollection AddAdminAuth(this IServiceCollection services, AdminOptions options)
    {
        var path = AdminSocket.PathOf(options);
        var socket = new AdminSocket();
        return services
            .AddAuthentication()
            .AddSingleton(options)
            .AddSingleton<SocketRoles>()
            .AddSingleton<CertificateRoles>()
            .AddSingleton<TokenStore>()
            .AddHostedService(provider => provider.GetRequiredService<TokenStore>())
            .AddSingleton<CallerAuthenticator>()
            .AddSingleton<AdminConnections>()
            .AddSingleton<IStatistics, AdminConnectionStatistics>()
            .AddSingleton(socket)
            .Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endpoint => BoundSocket.Open(endpoint, socket))
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
                            AdminTls.Use(listen, options);
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
    }
}
