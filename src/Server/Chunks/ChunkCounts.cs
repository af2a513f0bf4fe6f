namespace Relay.Chunks;

/// <summary>
/// Chunks kept and their bytes, chunks known (kept, announced or pulled), announcements in force, pulls that wait; and so
/// far: served from the cache, served by a source.
/// </summary>
internal readonly record struct ChunkCounts(
    int Cached, long CachedBytes, int Known, int Sources, int Pulls, long ServedFromCache, long ServedBySource);
