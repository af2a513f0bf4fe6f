namespace Relay.AuditTrail;

internal static class AuditSetup
{
    public static IServiceCollection AddAuditTrail(this IServiceCollection services, AuditOptions options) => services
        .AddSingleton(options)
        .AddSingleton<AuditLog>()
        .AddHostedService(provider => provider.GetRequiredService<AuditLog>());
}
