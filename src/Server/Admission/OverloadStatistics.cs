using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Policy;
using Relay.Telemetry;

namespace Relay.Admission;

/// <summary>How overloaded the relay is, and how rejected clients are notified.</summary>
internal sealed class OverloadStatistics(OverloadMonitor overload) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.overload.level", () => (int)overload.OverloadLevel, description: "Overload level: 0 normal (close frame), 1 elevated (HTTP status), 2 critical (reset before HTTP).");
        meter.CreateObservableCounter("relay.admission.rejections", () => overload.Counts().Labelled("mode"), description: "Connections rejected, by rejection mode.");
    }

    public void Fill(Stats stats) => stats.Overload = new OverloadStatus
    {
        Level = OverloadLevels.Name(overload.OverloadLevel),
        Pinned = overload.Pinned is not null,
        RefusedPerSecond = overload.RefusedPerSecond,
        CpuPercent = overload.CpuPercent,
        RejectionsTotal = { overload.Counts().NonZero() },
    };
}
