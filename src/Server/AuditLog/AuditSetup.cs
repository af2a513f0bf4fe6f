using Relay.Telemetry;

namespace Relay.AuditLog;

internal static class AuditSetup
{
    public static IServiceCollection AddAuditLog(this IServiceCollection services, AuditOptions options) => services
        .AddSingleton(options)
        .AddSingleton<AuditRecorder>()
        .AddHostedService(provider => provider.GetRequiredService<AuditRecorder>())
        .AddSingleton<IStatistics, AuditStatistics>();
}
