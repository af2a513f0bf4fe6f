using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Channels;

/// <summary>Channels, their streams and what waits for their owners.</summary>
internal sealed class ChannelStatistics(ChannelTable channels, ChannelAnnouncer announcer) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.channels", () => channels.Counts().Channels, description: "Channels with an owner, subscribers or waiting messages.");
        meter.CreateObservableGauge("relay.channels.owned", () => channels.Counts().Owned, description: "Channels with an owner.");
        meter.CreateObservableGauge("relay.channels.live", () => channels.Counts().Live, description: "Channels with a running stream.");
        meter.CreateObservableGauge("relay.channels.subscriptions", () => channels.Counts().Subscriptions, description: "Subscriptions of all channels.");
        meter.CreateObservableGauge("relay.upstream.messages", () => channels.Counts().Waiting, description: "Upstream messages waiting for absent owners.");
        meter.CreateObservableGauge("relay.upstream.size", () => channels.Counts().WaitingBytes, unit: "By", description: "Size of the upstream messages waiting for absent owners.");
        meter.CreateObservableCounter("relay.upstream.dropped", () => channels.Counts().UpstreamDropped, description: "Upstream messages dropped because a queue was full or the owner did not come in time.");
        meter.CreateObservableCounter("relay.stream.frames_sent", () => channels.Counts().FramesSent, description: "Stream frames sent, once for each subscriber.");
        meter.CreateObservableCounter("relay.stream.frames_dropped", () => channels.Counts().FramesDropped, description: "Stream frames dropped for slow subscribers.");
        meter.CreateObservableCounter("relay.stream.frames_lost", () => announcer.FramesLost, description: "Stream frames that other nodes did not get because NATS was away or too much waited for it.");
    }

    public void Fill(Stats stats)
    {
        var counts = channels.Counts();
        stats.Channels = new ChannelStats
        {
            Channels = counts.Channels,
            Owned = counts.Owned,
            Live = counts.Live,
            Subscriptions = counts.Subscriptions,
            Waiting = counts.Waiting,
            WaitingBytes = counts.WaitingBytes,
            FramesSentTotal = counts.FramesSent,
            FramesDroppedTotal = counts.FramesDropped,
            UpstreamDroppedTotal = counts.UpstreamDropped,
        };
    }
}
