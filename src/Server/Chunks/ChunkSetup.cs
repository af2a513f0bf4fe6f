using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Chunks;

internal static class ChunkSetup
{
    /// <summary>After storage and channels, which it uses.</summary>
    public static IServiceCollection AddChunks(this IServiceCollection services, ChunkOptions options) => services
        .AddSingleton(options)
        .AddSingleton<ChunkTable>()
        .AddSingleton<ChunkStore>()
        .AddSingleton<ChunkHandler>()
        .AddSingleton<ChunkSweep>()
        .AddHostedService(provider => provider.GetRequiredService<ChunkSweep>())
        .AddPeriodic<ChunkSweep>(ChunkSweep.Interval, sweep => sweep.Sweep())
        .AddSingleton<IStatistics, ChunkStatistics>();
}
