using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Storage;

/// <summary>Queue, operations and size of the database.</summary>
internal sealed class StorageStatistics(Database database) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.storage.queue", () => database.Waiting, description: "Operations waiting for the database.");
        meter.CreateObservableCounter("relay.storage.operations", () => database.Counts.Work, description: "Operations that the database has completed.");
        meter.CreateObservableCounter("relay.storage.commits", () => database.Counts.Commits, description: "Transactions committed to disk.");
        meter.CreateObservableCounter("relay.storage.failures", () => database.Failures, description: "Operations that failed, or were rejected because too many were waiting or it was away.");
        meter.CreateObservableGauge("relay.storage.up", () => database.IsAway ? 0 : 1, description: "Whether the database can be reached: 1 or 0.");
        meter.CreateObservableGauge("relay.storage.file", () => database.Size, unit: "By", description: "Size of the database, with its write-ahead log or its indexes.");
    }

    public void Fill(Stats stats)
    {
        var (commits, operations) = database.Counts;
        stats.Storage = new StorageStats
        {
            Waiting = database.Waiting,
            OperationsTotal = operations,
            CommitsTotal = commits,
            FailuresTotal = database.Failures,
            FileBytes = database.Size,
            Away = database.IsAway,
        };
    }
}
