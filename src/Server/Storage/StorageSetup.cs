using Relay.Telemetry;

namespace Relay.Storage;

internal static class StorageSetup
{
    /// <summary>Started first of all hosted services and stopped last, because the others use it.</summary>
    public static IServiceCollection AddStorage(this IServiceCollection services, StorageOptions options) => services
        .AddSingleton(options)
        .AddSingleton<Database>()
        .AddHostedService(provider => provider.GetRequiredService<Database>())
        .AddSingleton<IStatistics, StorageStatistics>();
}
