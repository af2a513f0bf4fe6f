using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Relay.Access;

internal static class AccessSetup
{
    // A caller whose machine has vanished holds its place no longer than this and as much again.
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(30);

    public static IServiceCollection AddAccess(this IServiceCollection services, AdminOptions options)
    {
        var path = AdminSocket.PathOf(options);
        return services
            .AddSingleton(options)
            .AddSingleton<SocketRoles>()
            .AddSingleton<CertificateRoles>()
            .AddSingleton<TokenStore>()
            .AddHostedService(provider => provider.GetRequiredService<TokenStore>())
            .AddSingleton<CallerJudge>()
            .AddSingleton<AdminConnections>()
            .Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = BoundSocket.Open)
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

    private static void Configure(Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions listen, AdminTransport transport)
    {
        listen.Protocols = HttpProtocols.Http2;
        var connections = listen.ApplicationServices.GetRequiredService<AdminConnections>();
        listen.Use(next => connection => connections.RunAsync(connection, transport, next));
    }
}
