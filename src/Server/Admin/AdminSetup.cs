using Grpc.Health.V1;
using Grpc.HealthCheck;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Features;
using Relay.AdminAuth;
using Relay.Admission;
using Relay.Configuration;
using Relay.Events;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Admin;

internal static class AdminSetup
{
    // Requests are small; a caller that sends more is not relayctl.
    private const int MaxRequestBytes = 64 * 1024;

    public static IServiceCollection AddAdmin(this IServiceCollection services, RelaySettings settings)
    {
        services
            .AddSingleton<ServerSnapshot>()
            .AddSingleton<ClusterQuestions>()
            .AddSingleton<ClusterSnapshot>()
            .AddSingleton<ClusterConnections>()
            .AddSingleton<ClusterDrains>()
            .AddSingleton<DrainCommands>()
            .AddSingleton<StreamingCalls>()
            .AddSingleton<StatsStream>()
            .AddSingleton<EventStream>()
            .AddSingleton<IpMapper>()
            .AddSingleton<PolicyChanges>()
            .AddSingleton<ChangeOutcome>()
            .AddHostedService<PolicyAtStart>()
            .AddEventSubscriber<OperatorLog>((log, published) => log.Write(published))
            .AddEventSubscriber<OperatorAudit>((audit, published) => audit.Write(published))
            .AddEventSubscriber<FollowedEvictions>((evictions, published) => evictions.Apply(published))
            .AddSingleton<BanCommands>()
            .AddSingleton<Explainer>()
            .AddSingleton<ConnectionMapper>()
            .AddSingleton<RelayMapper>()
            .AddSingleton<FederationMapper>()
            .AddSingleton<ChannelMapper>()
            .AddSingleton<AuditMapper>()
            .AddSingleton<TokenMapper>()
            .AddSingleton<AuditInterceptor>()
            .AddSingleton<RejectionHandler>()
            .AddSingleton<UnreadableCalls>()
            .AddSingleton<IStatistics, AdminCallStatistics>()
            .AddSingleton<IStatistics, ProcessStatistics>()
            .AddSingleton<IStatistics>(new MachineStatistics(settings.Listen.Backlog, DataFolder.Find(settings.Data)))
            .AddSingleton<IAuthorizationMiddlewareResultHandler>(provider => provider.GetRequiredService<RejectionHandler>());
        if (settings.Cluster.IsOn)
        {
            services
                .AddHostedService<AdminQuestions>()
                .AddSingleton<NodeHeartbeat>()
                .AddPeriodic<NodeHeartbeat>(NodeHeartbeat.Interval, heartbeat => heartbeat.Send(), atStart: true);
        }

        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxRequestBytes;
            grpc.Interceptors.Add<AuditInterceptor>();
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

        // The framework would put both in front of everything, clients included. They are in this pipeline, and in no other.
        app.Properties["__AuthenticationMiddlewareSet"] = true;
        app.Properties["__AuthorizationMiddlewareSet"] = true;
        app.MapWhen(
            context => context.Features.Get<AdminConnection>() is not null,
            admin => admin
                .Use(WaitForTurnAsync)
                .UseRouting()
                .UseAuthentication()
                .UseAuthorization()
                .Use(app.ApplicationServices.GetRequiredService<UnreadableCalls>().HandleAsync)
                .UseEndpoints(MapServices));
    }

    private static async Task WaitForTurnAsync(HttpContext context, RequestDelegate next)
    {
        if (await context.Features.GetRequiredFeature<AdminConnection>().WaitForTurnAsync(context.RequestAborted))
        {
            await next(context);
        }
    }

    private static void MapServices(IEndpointRouteBuilder endpoints)
    {
        MethodAuthorization.Require(endpoints.MapGrpcService<AdminService>(), AdminApi.AdminService.Descriptor.Methods);
        MethodAuthorization.Require(endpoints.MapGrpcService<PolicyService>(), AdminApi.PolicyService.Descriptor.Methods);
        MethodAuthorization.Require(endpoints.MapGrpcService<DecisionService>(), AdminApi.DecisionService.Descriptor.Methods);
        MethodAuthorization.Require(endpoints.MapGrpcService<ConnectionService>(), AdminApi.ConnectionService.Descriptor.Methods);
        MethodAuthorization.Require(endpoints.MapGrpcService<ClusterService>(), AdminApi.ClusterService.Descriptor.Methods);
        MethodAuthorization.Require(endpoints.MapGrpcService<ConfigurationService>(), AdminApi.ConfigurationService.Descriptor.Methods);
        MethodAuthorization.Require(endpoints.MapGrpcService<FederationService>(), AdminApi.FederationService.Descriptor.Methods);
        MethodAuthorization.Require(endpoints.MapGrpcService<UpgradeService>(), AdminApi.UpgradeService.Descriptor.Methods);
        MethodAuthorization.Require(endpoints.MapGrpcService<HistoryService>(), AdminApi.HistoryService.Descriptor.Methods);
        MethodAuthorization.Require(endpoints.MapGrpcService<HealthServiceImpl>(), MethodAuthorization.ReadOnly with { IsOpenToLocalCallers = true });
        MethodAuthorization.Require(endpoints.MapGrpcReflectionService(), MethodAuthorization.ReadOnly);
    }

    /// <summary>The health service says whether new connections are accepted, as /ready does.</summary>
    private static void FollowState(IServiceProvider services)
    {
        var health = services.GetRequiredService<HealthServiceImpl>();
        SetStatus(health, HealthCheckResponse.Types.ServingStatus.NotServing);
        services.GetRequiredService<RelayState>().Changed += change => SetStatus(
            health, change.After == RelayPhase.Serving ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.NotServing);
        services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(services.GetRequiredService<AdminSocket>().Remove);
    }

    private static void SetStatus(HealthServiceImpl health, HealthCheckResponse.Types.ServingStatus status)
    {
        health.SetStatus("", status);
        health.SetStatus(AdminApi.AdminService.Descriptor.FullName, status);
    }
}
