using Grpc.Health.V1;
using Grpc.HealthCheck;
using Relay.Access;
using Relay.Admission;

namespace Relay.Admin;

internal static class AdminSetup
{
    // Requests are small; a caller that sends more is not relayctl.
    private const int MaxRequestBytes = 64 * 1024;

    public static IServiceCollection AddAdmin(this IServiceCollection services)
    {
        services
            .AddSingleton<FeatureMapper>()
            .AddSingleton<ServerSnapshot>()
            .AddSingleton<IpMapper>()
            .AddSingleton<PolicyChanges>()
            .AddSingleton<ChangeOutcome>()
            .AddHostedService<OperatorLog>()
            .AddSingleton<BanCommands>()
            .AddSingleton<Explainer>()
            .AddSingleton<ConnectionMapper>()
            .AddSingleton<RelayMapper>()
            .AddSingleton<ChannelMapper>()
            .AddSingleton<AuditMapper>()
            .AddSingleton<TokenMapper>()
            .AddSingleton<AdminInterceptor>();
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxRequestBytes;
            grpc.Interceptors.Add<AdminInterceptor>();
        });
        services.AddGrpcReflection();
        services.AddSingleton<HealthServiceImpl>();
        services.AddRouting();
        return services;
    }

    /// <summary>The admin listeners have a pipeline of their own: no public connection reaches gRPC, and none of the limits reaches them.</summary>
    public static void MapAdmin(this IApplicationBuilder app)
    {
        FollowState(app.ApplicationServices);
        app.MapWhen(
            context => context.Features.Get<AdminConnection>() is not null,
            admin => admin.UseRouting().UseEndpoints(endpoints =>
            {
                endpoints.MapGrpcService<AdminService>();
                endpoints.MapGrpcService<PolicyService>();
                endpoints.MapGrpcService<DecisionService>();
                endpoints.MapGrpcService<ConnectionService>();
                endpoints.MapGrpcService<HealthServiceImpl>();
                endpoints.MapGrpcReflectionService();
            }));
    }

    /// <summary>The health service says whether new connections are accepted, as /ready does.</summary>
    private static void FollowState(IServiceProvider services)
    {
        var health = services.GetRequiredService<HealthServiceImpl>();
        var socket = AdminSocket.PathOf(services.GetRequiredService<AdminOptions>());
        SetStatus(health, HealthCheckResponse.Types.ServingStatus.NotServing);
        services.GetRequiredService<RelayState>().Changed += phase => SetStatus(
            health, phase == RelayPhase.Serving ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.NotServing);
        services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(() => File.Delete(socket));
    }

    private static void SetStatus(HealthServiceImpl health, HealthCheckResponse.Types.ServingStatus status)
    {
        health.SetStatus("", status);
        health.SetStatus(AdminApi.AdminService.Descriptor.FullName, status);
    }
}
