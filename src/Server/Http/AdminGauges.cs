using System.Diagnostics.Metrics;
using Relay.Admin;
using Relay.AdminAuth;
using Relay.AuditLog;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.Http;

/// <summary>The figures of the operators' side, on the one meter.</summary>
internal static class AdminGauges
{
    public static void Add(IServiceProvider services)
    {
        var meter = services.GetRequiredService<RelayMetrics>().Meter;
        var audit = services.GetRequiredService<AuditRecorder>();
        var connections = services.GetRequiredService<AdminConnections>();
        var rejections = services.GetRequiredService<RejectionHandler>();
        var files = services.GetRequiredService<FileDescriptorBudget>();
        meter.CreateObservableGauge("relay.tcp.connections.limit", () => files.Max, description: "Connections of the public listeners that the limit of open files allows.");
        meter.CreateObservableCounter("relay.tcp.connections.turned_away", () => files.Rejected, description: "Connections of the public listeners that were closed at once because that many were open.");
        meter.CreateObservableCounter("relay.audit.log.written", () => audit.Written, description: "Lines written to the audit file.");
        meter.CreateObservableCounter("relay.audit.log.failed", () => audit.Failed, description: "Audit entries that could not be written and are in the log only.");
        meter.CreateObservableCounter("relay.audit.log.omitted", () => audit.Omitted, description: "Refusals that were not written to the audit file because there were too many.");
        meter.CreateObservableGauge(
            "relay.admin.connections",
            () => new[] { Labelled(connections.Count(AdminTransport.Unix), "listener", "unix"), Labelled(connections.Count(AdminTransport.Tls), "listener", "network") },
            description: "Open connections of operators, by listener.");
        meter.CreateObservableCounter("relay.admin.connections.refused", () => connections.Refused, description: "Connections of operators that were cut because there were too many.");
        meter.CreateObservableCounter(
            "relay.admin.calls.refused",
            () => new[] { Labelled(rejections.Unauthenticated, "reason", "unauthenticated"), Labelled(rejections.Denied, "reason", "permission_denied") },
            description: "Calls of operators that were refused because of who called.");
    }

    private static Measurement<long> Labelled(long value, string label, string of) => new(value, new KeyValuePair<string, object?>(label, of));
}
