using System.Diagnostics.Metrics;
using Relay.Telemetry;

namespace Relay.AdminAuth;

/// <summary>Connections of operators.</summary>
internal sealed class AdminConnectionStatistics(AdminConnections connections) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge(
            "relay.admin.connections",
            () => Series.Of("listener", ("unix", connections.Count(AdminTransport.Unix)), ("network", connections.Count(AdminTransport.Tls))),
            description: "Open admin connections, by listener.");
        meter.CreateObservableCounter("relay.admin.connections.refused", () => connections.Refused, description: "Admin connections closed because there were too many.");
    }
}
