using System.Diagnostics.Metrics;
using Relay.Telemetry;

namespace Relay.Admin;

/// <summary>Calls of operators that were rejected.</summary>
internal sealed class AdminCallStatistics(RejectionHandler rejections) : IStatistics
{
    public void AddInstruments(Meter meter) => meter.CreateObservableCounter(
        "relay.admin.calls.refused",
        () => Series.Of("reason", ("unauthenticated", rejections.Unauthenticated), ("permission_denied", rejections.Denied)),
        description: "Admin calls rejected by authentication or authorization, by reason.");
}
