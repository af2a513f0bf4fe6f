using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Chunks;

/// <summary>Chunks, where they are and where they were served from.</summary>
internal sealed class ChunkStatistics(ChunkTable chunks, ChunkNotices notices) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.chunks", () => chunks.Counts().Known, description: "Chunks cached, announced or requested.");
        meter.CreateObservableGauge("relay.chunks.cached", () => chunks.Counts().Cached, description: "Chunks in the cache.");
        meter.CreateObservableGauge("relay.chunks.cache_size", () => chunks.Counts().CachedBytes, unit: "By", description: "Size of the chunks in the cache.");
        meter.CreateObservableGauge("relay.chunks.sources", () => chunks.Counts().Sources, description: "Announcements in effect.");
        meter.CreateObservableGauge("relay.chunks.pulls", () => chunks.Counts().Pulls, description: "Chunks requested from a source and not received yet.");
        meter.CreateObservableCounter("relay.chunks.notices_dropped", () => notices.Dropped, description: "Announced chunks that no subscriber was notified of, because too many were announced at once.");
        meter.CreateObservableCounter("relay.chunks.served", Served, description: "Chunks served, by where they came from.");
    }

    public void Fill(Stats stats)
    {
        var counts = chunks.Counts();
        stats.Chunks = new ChunkStats
        {
            Cached = counts.Cached,
            CachedBytes = counts.CachedBytes,
            Known = counts.Known,
            Sources = counts.Sources,
            Pulls = counts.Pulls,
            ServedFromCacheTotal = counts.ServedFromCache,
            ServedBySourceTotal = counts.ServedBySource,
            NoticesDroppedTotal = notices.Dropped,
        };
    }

    private IEnumerable<Measurement<long>> Served()
    {
        var counts = chunks.Counts();
        return Series.Of("source", ("cache", counts.ServedFromCache), ("relay", counts.ServedBySource));
    }
}
