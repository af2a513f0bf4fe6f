using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>The client features' rows of a snapshot. What is not used has none: at 3 a.m. a row of zeros is in the way.</summary>
internal static class FeatureRows
{
    // At most one operation per client waits; more than a few transactions' worth is a disk that is too slow.
    private const long SlowDisk = 1000;

    public static IEnumerable<StatsRow> Of(Stats stats)
    {
        if (stats.Cluster is { } cluster)
        {
            yield return new("cluster",
                cluster.Away ? new StatsRow.Part("NATS away, alone", Tone.Alarm) : new StatsRow.Part($"other nodes {Units.Count(cluster.Nodes)}"),
                $"their clients {Units.Count(cluster.Connections)}",
                $"overshoots {Units.Count(cluster.OvershootsTotal)}, at most {Units.Count(cluster.OvershootMax)}");
        }

        if (stats.Relays is { Registered: > 0 } relays)
        {
            yield return new("relays",
                new StatsRow.Part($"offered {Units.Count(relays.Offered)} of {Units.Count(relays.Registered)}", relays.Offered == 0 ? Tone.Warning : Tone.Plain));
        }

        if (stats.Rendezvous is { } rendezvous && !rendezvous.Equals(new RendezvousStats()))
        {
            yield return new("rendezvous",
                $"daily points {Units.Count(rendezvous.DailyPoints)}",
                $"hourly tokens {Units.Count(rendezvous.HourlyTokens)}",
                $"matches {Units.Count(rendezvous.MatchesTotal)}",
                $"drops delivered {Units.Count(rendezvous.DropsDeliveredTotal)}");
        }

        if (stats.Channels is { } channels && !channels.Equals(new ChannelStats()))
        {
            yield return Channels(channels);
            if (channels.Waiting > 0 || channels.UpstreamDroppedTotal > 0)
            {
                yield return new("upstream", $"waiting {Units.Count(channels.Waiting)}, {Units.Bytes(channels.WaitingBytes)}", Lost(channels.UpstreamDroppedTotal));
            }
        }

        if (stats.Chunks is { } chunks && !chunks.Equals(new ChunkStats()))
        {
            yield return new("chunks",
                $"cached {Units.Count(chunks.Cached)}, {Units.Bytes(chunks.CachedBytes)}",
                $"known {Units.Count(chunks.Known)}",
                $"sources {Units.Count(chunks.Sources)}",
                $"pulls {Units.Count(chunks.Pulls)}",
                $"served {Units.Count(chunks.ServedFromCacheTotal)} from cache, {Units.Count(chunks.ServedBySourceTotal)} by sources");
        }

        if (stats.Storage is { } storage && (storage.Waiting > 0 || storage.OperationsTotal > 0 || storage.FailuresTotal > 0 || storage.Away))
        {
            yield return new("database",
                [.. storage.Away ? [new StatsRow.Part("away", Tone.Alarm)] : Array.Empty<StatsRow.Part>(),
                new StatsRow.Part($"queue {Units.Count(storage.Waiting)}", storage.Waiting >= SlowDisk ? Tone.Warning : Tone.Plain),
                $"operations {Units.Count(storage.OperationsTotal)} in {Units.Count(storage.CommitsTotal)} commits",
                new StatsRow.Part($"failed {Units.Count(storage.FailuresTotal)}", storage.FailuresTotal > 0 ? Tone.Alarm : Tone.Plain),
                $"file {Units.Bytes(storage.FileBytes)}"]);
        }

        if (stats.Attestation is { } attestation && !attestation.Equals(new AttestationStats()))
        {
            yield return new("attestation", [$"open {Units.Count(attestation.Open)}", .. Outcomes(attestation)]);
        }
    }

    private static IEnumerable<StatsRow.Part> Outcomes(AttestationStats attestation) =>
        attestation.RequestsTotal.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => new StatsRow.Part($"{Printable.CleanOrUnknown(pair.Key)} {Units.Count(pair.Value)}", pair.Key is "answered" or "abandoned" ? Tone.Plain : Tone.Warning));

    private static StatsRow Channels(ChannelStats channels) => new("channels",
        $"{Units.Count(channels.Channels)}",
        $"owned {Units.Count(channels.Owned)}",
        $"live {Units.Count(channels.Live)}",
        $"subscriptions {Units.Count(channels.Subscriptions)}",
        $"frames {Units.Count(channels.FramesSentTotal)}",
        Lost(channels.FramesDroppedTotal));

    private static StatsRow.Part Lost(long count) => new($"dropped {Units.Count(count)}", count > 0 ? Tone.Warning : Tone.Plain);
}
