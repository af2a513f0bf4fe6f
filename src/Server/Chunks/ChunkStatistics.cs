using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Chunks;

/// <summary>Chunks, where they are and where they were served from.</summary>
internal sealed class ChunkStatistics(ChunkTable chunks) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.chunks", () => chunks.Figures().Known, description: "Chunks cached, announced or requested.");
        meter.CreateObservableGauge("relay.chunks.cached", () => chunks.Figures().Cached, description: "Chunks in the cache.");
        meter.CreateObservableGauge("relay.chunks.cache_size", () => chunks.Figures().CachedBytes, unit: "By", description: "Size of the chunks in the cache.");
        meter.CreateObservableGauge("relay.chunks.sources", () => chunks.Figures().Sources, description: "Announcements in effect.");
        meter.CreateObservableGauge("relay.chunks.pulls", () => chunks.Figures().Pulls, description: "Chunks requested from a source and not received yet.");
        meter.CreateObservableCounter("relay.chunks.served", Served, description: "Chunks served, by where they came from.");
    }

    public void Fill(Stats stats)
    {
        var figures = chunks.Figures();
        stats.Chunks = new ChunkStats
        {
            Cached = figures.Cached,
            CachedBytes = figures.CachedBytes,
            Known = figures.Known,
            Sources = figures.Sources,
            Pulls = figures.Pulls,
            ServedFromCacheTotal = figures.ServedFromCache,
            ServedBySourceTotal = figures.ServedBySource,
        };
    }

    private IEnumerable<Measurement<long>> Served()
    {
        var figures = chunks.Figures();
        return Series.Of("source", ("cache", figures.ServedFromCache), ("relay", figures.ServedBySource));
    }
}
