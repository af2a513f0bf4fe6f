using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Relay.Access;

internal static class AccessSetup
{
    public static IServiceCollection AddAccess(this IServiceCollection services, AdminOptions options)
    {
        var path = AdminSocket.PathOf(options);
        return services
            .AddSingleton(options)
            .AddSingleton<SocketRoles>()
            .AddSingleton<CallerJudge>()
            .Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endpoint =>
                endpoint is UnixDomainSocketEndPoint unix ? AdminSocket.Bind(unix) : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint))
            .Configure<KestrelServerOptions>(kestrel => kestrel.ListenUnixSocket(path, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.Use(next => connection => AdminConnection.RunAsync(connection, next));
            }));
    }
}
