namespace Relay.Chunks;

internal static class ChunkSetup
{
    public static IServiceCollection AddChunks(this IServiceCollection services, ChunkOptions options) => services
        .AddSingleton(options)
        .AddSingleton<ChunkTable>()
        .AddSingleton<ChunkHandler>();
}
