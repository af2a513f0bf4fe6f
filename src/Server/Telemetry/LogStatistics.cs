using System.Diagnostics.Metrics;

namespace Relay.Telemetry;

/// <summary>What the log did not take.</summary>
internal sealed class LogStatistics(ConsoleLog log) : IStatistics
{
    public void AddInstruments(Meter meter) => meter.CreateObservableCounter(
        "relay.log.dropped",
        () => Series.Of("reason", ("unread", log.Unread), ("repeated", log.Repeated)),
        description: "Lines of the log that were not written, by reason.");
}
