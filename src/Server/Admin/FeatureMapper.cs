using Relay.AdminApi;
using Relay.Attestation;
using Relay.Channels;
using Relay.Chunks;
using Relay.Relays;
using Relay.Rendezvous;
using Relay.Storage;

namespace Relay.Admin;

/// <summary>The client features' part of the snapshot, read from the owners of the figures.</summary>
internal sealed class FeatureMapper(
    RelayRegistry relays,
    RendezvousStore rendezvous,
    ChannelTable channels,
    ChunkTable chunks,
    Database database,
    StorageOptions storage,
    AttestationClient authority)
{
    public RelayStats Relays()
    {
        var figures = relays.Figures();
        return new RelayStats { Registered = figures.Relays, Offered = figures.Offered };
    }

    public RendezvousStats Rendezvous()
    {
        var figures = rendezvous.Figures();
        return new RendezvousStats
        {
            DailyPoints = figures.DailyPoints,
            HourlyTokens = figures.HourlyTokens,
            MatchesTotal = figures.MatchesFound,
            DropsDeliveredTotal = figures.DropsDelivered,
        };
    }

    public ChannelStats Channels()
    {
        var figures = channels.Figures();
        return new ChannelStats
        {
            Channels = figures.Channels,
            Owned = figures.Owned,
            Live = figures.Live,
            Subscriptions = figures.Subscriptions,
            Waiting = figures.Waiting,
            WaitingBytes = figures.WaitingBytes,
            FramesSentTotal = figures.FramesSent,
            FramesDroppedTotal = figures.FramesDropped,
            UpstreamDroppedTotal = figures.UpstreamDropped,
        };
    }

    public ChunkStats Chunks()
    {
        var figures = chunks.Figures();
        return new ChunkStats
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

    public StorageStats Storage()
    {
        var (commits, work) = database.Figures;
        return new StorageStats
        {
            Waiting = database.Waiting,
            OperationsTotal = work,
            CommitsTotal = commits,
            FailuresTotal = database.Failures,
            FileBytes = Size(storage.File) + Size($"{storage.File}-wal"),
        };
    }

    public AttestationStats Attestation()
    {
        var figures = authority.Figures();
        var stats = new AttestationStats { Open = figures.Open };
        stats.RequestsTotal.Add(AttestationFigures.Labels.Zip(figures.Outcomes).Where(pair => pair.Second > 0).ToDictionary());
        return stats;
    }

    private static long Size(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;
}
