using System.Diagnostics.Metrics;
using Relay.AdminApi;

namespace Relay.Telemetry;

/// <summary>
/// What one folder counts. Each folder has one beside the owners of the counts and registers it with its services; /metrics and
/// the status that operators read are loops over all of them.
/// </summary>
internal interface IStatistics
{
    /// <summary>Creates the instruments, once. Every series of a label exists from the start, so that a first event is an increase.</summary>
    void AddInstruments(Meter meter);

    /// <summary>Fills this folder's part of the status; nothing by default, for what only /metrics shows.</summary>
    void Fill(Stats stats)
    {
    }
}
