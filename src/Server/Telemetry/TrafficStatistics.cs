using System.Diagnostics.Metrics;
using Relay.AdminApi;

namespace Relay.Telemetry;

/// <summary>Messages and bytes of all clients, and why their sessions ended.</summary>
internal sealed class TrafficStatistics(RelayMetrics metrics) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableCounter("relay.messages.received", () => metrics.ReceivedByType().Labelled("type"), description: "Messages received from clients, by type.");
        meter.CreateObservableCounter("relay.messages.sent", () => metrics.MessagesSent, description: "Messages sent to clients.");
        meter.CreateObservableCounter("relay.messages.rate_limited", () => metrics.RateLimited, description: "Client messages rejected by the message rate limit.");
        meter.CreateObservableCounter("relay.messages.dropped", () => metrics.Dropped, description: "Messages caused by other clients that were dropped because too many of them waited for their receiver.");
        meter.CreateObservableCounter("relay.received", () => metrics.BytesReceived, unit: "By", description: "Size of the messages received from clients.");
        meter.CreateObservableCounter("relay.sent", () => metrics.BytesSent, unit: "By", description: "Size of the messages sent to clients.");
        meter.CreateObservableGauge("relay.queue.messages", () => metrics.Queued, description: "Messages waiting in outgoing queues.");
        meter.CreateObservableCounter("relay.sessions.closed", () => metrics.ClosedByReason().Labelled("reason"), description: "Client sessions closed, by reason.");
    }

    public void Fill(Stats stats)
    {
        stats.Traffic = new Traffic
        {
            MessagesReceivedTotal = metrics.MessagesReceived,
            MessagesSentTotal = metrics.MessagesSent,
            BytesReceivedTotal = metrics.BytesReceived,
            BytesSentTotal = metrics.BytesSent,
            QueuedMessages = metrics.Queued,
            RateLimitedTotal = metrics.RateLimited,
            DroppedTotal = metrics.Dropped,
        };
        stats.Connections.ClosedTotal.Add(metrics.ClosedByReason().NonZero());
    }
}
