using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Channels;

/// <summary>Channels, their streams and what waits for their owners.</summary>
internal sealed class ChannelStatistics(ChannelTable channels) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.channels", () => channels.Figures().Channels, description: "Channels with an owner, subscribers or waiting messages.");
        meter.CreateObservableGauge("relay.channels.owned", () => channels.Figures().Owned, description: "Channels with an owner.");
        meter.CreateObservableGauge("relay.channels.live", () => channels.Figures().Live, description: "Channels with a running stream.");
        meter.CreateObservableGauge("relay.channels.subscriptions", () => channels.Figures().Subscriptions, description: "Subscriptions of all channels.");
        meter.CreateObservableGauge("relay.upstream.messages", () => channels.Figures().Waiting, description: "Upstream messages waiting for absent owners.");
        meter.CreateObservableGauge("relay.upstream.size", () => channels.Figures().WaitingBytes, unit: "By", description: "Size of the upstream messages waiting for absent owners.");
        meter.CreateObservableCounter("relay.upstream.dropped", () => channels.Figures().UpstreamDropped, description: "Upstream messages dropped because a queue was full or the owner did not come in time.");
        meter.CreateObservableCounter("relay.stream.frames_sent", () => channels.Figures().FramesSent, description: "Stream frames sent, once for each subscriber.");
        meter.CreateObservableCounter("relay.stream.frames_dropped", () => channels.Figures().FramesDropped, description: "Stream frames dropped for slow subscribers.");
    }

    public void Fill(Stats stats)
    {
        var figures = channels.Figures();
        stats.Channels = new ChannelStats
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
}
