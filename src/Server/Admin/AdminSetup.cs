using System.Net.Sockets;
using Grpc.HealthCheck;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Relay.Listening;

namespace Relay.Admin;

internal static class AdminSetup
{
    // Requests are small; a caller that sends more is not relayctl.
    private const int MaxRequestBytes = 64 * 1024;

    public static IServiceCollection AddAdmin(this IServiceCollection services, AdminOptions options)
    {
        var path = AdminSocket.PathOf(options);
        services
            .AddSingleton(options)
            .AddSingleton<ServerSnapshot>()
            .AddSingleton<IpPage>()
            .Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endpoint =>
                endpoint is UnixDomainSocketEndPoint unix ? AdminSocket.Bind(unix) : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint))
            .Configure<KestrelServerOptions>(kestrel =>
                kestrel.ListenUnixSocket(path, listen => listen.Protocols = HttpProtocols.Http2));
        services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = MaxRequestBytes);
        services.AddGrpcReflection();
        services.AddSingleton<HealthServiceImpl>();
        services.AddRouting();
        return services;
    }

    /// <summary>The admin listener has a pipeline of its own: no public connection reaches gRPC, and none of the limits reaches it.</summary>
    public static void MapAdmin(this IApplicationBuilder app) => app.MapWhen(
        context => context.Features.Get<TrackedConnection>() is null,
        admin => admin.UseRouting().UseEndpoints(endpoints =>
        {
            endpoints.MapGrpcService<AdminService>();
            endpoints.MapGrpcService<HealthServiceImpl>();
            endpoints.MapGrpcReflectionService();
        }));
}
