using Relay.AuditTrail;
using Relay.Telemetry;

namespace Relay.Http;

/// <summary>The figures of the operators' side, on the one meter.</summary>
internal static class AdminGauges
{
    public static void Add(IServiceProvider services)
    {
        var meter = services.GetRequiredService<RelayMetrics>().Meter;
        var audit = services.GetRequiredService<AuditLog>();
        meter.CreateObservableCounter("relay.audit.log.written", () => audit.Written, description: "Lines written to the audit file.");
        meter.CreateObservableCounter("relay.audit.log.failed", () => audit.Failed, description: "Audit entries that could not be written and are in the log only.");
        meter.CreateObservableCounter("relay.audit.log.omitted", () => audit.Omitted, description: "Refusals that were not written to the audit file because there were too many.");
    }
}
