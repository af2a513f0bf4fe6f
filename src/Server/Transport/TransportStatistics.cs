using System.Diagnostics.Metrics;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Transport;

/// <summary>TCP connections of the public listeners, pending handshakes, and whether the ledger matches the open connections.</summary>
internal sealed class TransportStatistics(
    ConnectionTable connections, FileDescriptorBudget files, HandshakeGuard handshakes, LedgerReconciler reconciler) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.tcp.connections", () => connections.Count, description: "Open TCP connections of the public listeners, of every kind.");
        meter.CreateObservableGauge("relay.tcp.connections.limit", () => files.Max, description: "TCP connections of the public listeners that the open-file limit allows.");
        meter.CreateObservableCounter("relay.tcp.connections.rejected", () => files.Rejected, description: "TCP connections closed at once because of the open-file limit.");
        meter.CreateObservableGauge("relay.handshakes.pending", () => handshakes.Count, description: "Connections that have not completed their request yet.");
        meter.CreateObservableCounter("relay.handshakes.rejected", () => handshakes.Counts().Labelled("reason"), description: "Connections reset before they completed their request, by reason.");
        meter.CreateObservableGauge("relay.ledger.drift", () => reconciler.Last?.Drift ?? 0, description: "Connections in the ledger minus open client connections at the last check; 0 when they match.");
        meter.CreateObservableCounter("relay.ledger.checks", () => reconciler.Runs, description: "Checks of the ledger against the open client connections.");
        meter.CreateObservableCounter("relay.ledger.drifts", () => reconciler.Drifts, description: "Checks that found a drift.");
    }

    public void Fill(Stats stats)
    {
        stats.Handshakes = new Handshakes
        {
            Pending = handshakes.Count,
            Limit = handshakes.Max,
            RejectedTotal = { handshakes.Counts().NonZero() },
        };
        var last = reconciler.Last;
        stats.Ledger = new LedgerStatus
        {
            Time = last is null ? null : Timestamp.FromDateTimeOffset(last.Time),
            Drift = last?.Drift ?? 0,
            RunsTotal = reconciler.Runs,
            DriftsTotal = reconciler.Drifts,
        };
    }
}
