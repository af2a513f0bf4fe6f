using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Chunks;

internal static class ChunkSetup
{
    /// <summary>After storage and channels, which it uses.</summary>
    public static IServiceCollection AddChunks(this IServiceCollection services, ChunkOptions options, bool isInCluster)
    {
        services
            .AddSingleton(options)
            .AddSingleton<ChunkTable>()
            .AddSingleton<ChunkStore>()
            .AddSingleton<ChunkNotices>()
            .AddPeriodic<ChunkNotices>(ChunkNotices.Interval, notices => notices.Sweep())
            .AddSingleton<ClusterSources>()
            .AddSingleton<ChunkPuller>()
            .AddSingleton<ChunkHandler>()
            .AddSingleton<IMovable, ChunksMove>()
            .AddSingleton<ChunkSweep>()
            .AddHostedService(provider => provider.GetRequiredService<ChunkSweep>())
            .AddPeriodic<ChunkSweep>(ChunkSweep.Interval, sweep => sweep.Sweep())
            .AddPeriodic<ChunkStore>(ChunkStore.DeleteInterval, (store, stop) => store.DeleteExpiredAsync(stop))
            .AddSingleton<IStatistics, ChunkStatistics>();
        return isInCluster ? services.AddSingleton<ClusterChunks>().AddHostedService(provider => provider.GetRequiredService<ClusterChunks>()) : services;
    }
}
