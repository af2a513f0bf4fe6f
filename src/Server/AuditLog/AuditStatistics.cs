using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.AuditLog;

/// <summary>Whether the audit file is written.</summary>
internal sealed class AuditStatistics(AuditRecorder recorder) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableCounter("relay.audit.log.written", () => recorder.Written, description: "Entries written to the audit file.");
        meter.CreateObservableCounter("relay.audit.log.failed", () => recorder.Failed, description: "Audit entries that could not be written to the file; they are in the log only.");
        meter.CreateObservableCounter("relay.audit.log.omitted", () => recorder.Omitted, description: "Rejected admin calls omitted from the audit file because there were too many.");
    }

    public void Fill(Stats stats) => stats.AuditFile = new AdminApi.AuditFile
    {
        Failing = recorder.IsFailing,
        WrittenTotal = recorder.Written,
        FailedTotal = recorder.Failed,
        OmittedTotal = recorder.Omitted,
    };
}
