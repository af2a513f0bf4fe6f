using System.Diagnostics.Metrics;
using Relay.Admin;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Http;

/// <summary>The client features' part of /metrics; the same figures as everywhere else.</summary>
internal static class FeatureGauges
{
    public static void Add(IServiceProvider services)
    {
        var meter = services.GetRequiredService<RelayMetrics>().Meter;
        var features = services.GetRequiredService<FeatureMapper>();
        AddRelays(meter, features.Relays);
        AddRendezvous(meter, features.Rendezvous);
        AddChannels(meter, features.Channels);
        AddChunks(meter, features.Chunks);
        AddStorage(meter, features.Storage);
    }

    private static void AddRelays(Meter meter, Func<RelayStats> read)
    {
        meter.CreateObservableGauge("relay.relays", () => read().Registered, description: "Sockets registered as relays.");
        meter.CreateObservableGauge("relay.relays.offered", () => read().Offered, description: "Relays that are offered because they are not busy.");
    }

    private static void AddRendezvous(Meter meter, Func<RendezvousStats> read)
    {
        meter.CreateObservableGauge("relay.rendezvous.rows", () => Rows(read()), description: "Meeting points kept, expired ones included until they are removed, by kind.");
        meter.CreateObservableCounter("relay.rendezvous.matches", () => read().MatchesTotal, description: "Live matches found.");
        meter.CreateObservableCounter("relay.rendezvous.drops_delivered", () => read().DropsDeliveredTotal, description: "Dead drops handed out.");
    }

    private static void AddChannels(Meter meter, Func<ChannelStats> read)
    {
        meter.CreateObservableGauge("relay.channels", () => read().Channels, description: "Channels with an owner, subscribers or messages that wait.");
        meter.CreateObservableGauge("relay.channels.owned", () => read().Owned, description: "Channels with an owner.");
        meter.CreateObservableGauge("relay.channels.live", () => read().Live, description: "Channels with a stream that is on.");
        meter.CreateObservableGauge("relay.channels.subscriptions", () => read().Subscriptions, description: "Subscriptions of all channels.");
        meter.CreateObservableGauge("relay.upstream.messages", () => read().Waiting, description: "Upstream messages that wait for absent owners.");
        meter.CreateObservableGauge("relay.upstream.size", () => read().WaitingBytes, unit: "By", description: "Bytes of upstream messages that wait for absent owners.");
        meter.CreateObservableCounter("relay.upstream.dropped", () => read().UpstreamDroppedTotal, description: "Upstream messages dropped because a queue was full or nobody came for them in time.");
        meter.CreateObservableCounter("relay.stream.frames_sent", () => read().FramesSentTotal, description: "Stream frames sent, once for each subscriber.");
        meter.CreateObservableCounter("relay.stream.frames_dropped", () => read().FramesDroppedTotal, description: "Stream frames that slow subscribers lost.");
    }

    private static void AddChunks(Meter meter, Func<ChunkStats> read)
    {
        meter.CreateObservableGauge("relay.chunks", () => read().Known, description: "Chunks kept, announced or asked for.");
        meter.CreateObservableGauge("relay.chunks.cached", () => read().Cached, description: "Chunks kept here.");
        meter.CreateObservableGauge("relay.chunks.cache_size", () => read().CachedBytes, unit: "By", description: "Bytes of the chunks kept here.");
        meter.CreateObservableGauge("relay.chunks.sources", () => read().Sources, description: "Announcements in force.");
        meter.CreateObservableGauge("relay.chunks.pulls", () => read().Pulls, description: "Chunks that a source was asked for and has not sent yet.");
        meter.CreateObservableCounter("relay.chunks.served", () => Served(read()), description: "Chunks handed out, by where they came from.");
    }

    private static void AddStorage(Meter meter, Func<StorageStats> read)
    {
        meter.CreateObservableGauge("relay.storage.queue", () => read().Waiting, description: "Pieces of work that wait for the database.");
        meter.CreateObservableCounter("relay.storage.work", () => read().OperationsTotal, description: "Pieces of work that the database has done.");
        meter.CreateObservableCounter("relay.storage.commits", () => read().CommitsTotal, description: "Transactions that reached the disk.");
        meter.CreateObservableCounter("relay.storage.failures", () => read().FailuresTotal, description: "Pieces of work that the disk failed, or that were refused because too many waited.");
        meter.CreateObservableGauge("relay.storage.file", () => read().FileBytes, unit: "By", description: "Size of the database and of its log of changes.");
    }

    private static IEnumerable<Measurement<long>> Rows(RendezvousStats figures) =>
        [Labelled(figures.DailyPoints, "kind", "daily_point"), Labelled(figures.HourlyTokens, "kind", "hourly_token")];

    private static IEnumerable<Measurement<long>> Served(ChunkStats figures) =>
        [Labelled(figures.ServedFromCacheTotal, "source", "cache"), Labelled(figures.ServedBySourceTotal, "source", "relay")];

    private static Measurement<long> Labelled(long value, string label, string name) => new(value, new KeyValuePair<string, object?>(label, name));
}
