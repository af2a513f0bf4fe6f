using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Storage;

internal static class StorageSetup
{
    /// <summary>Started first of all hosted services and stopped last, because the others use it.</summary>
    /// <param name="mayStartAway">The relay may start while a PostgreSQL server cannot be reached.</param>
    public static IServiceCollection AddStorage(this IServiceCollection services, StorageOptions options, bool mayStartAway) => services
        .AddSingleton(options)
        .AddSingleton(provider => new Database(
            options, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<Database>>(), mayStartAway))
        .AddHostedService(provider => provider.GetRequiredService<Database>())
        .AddPeriodic<Database>(Database.MeasureInterval, (database, _) => database.MeasureAsync())
        .AddSingleton<IStatistics, StorageStatistics>();
}
