using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Memory;
using Relay.Telemetry;

namespace Relay.Sessions;

/// <summary>The memory budget, and who was closed for it.</summary>
internal sealed class MemoryStatistics(MemoryBudget memory, MemoryReclaimer reclaimer) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.memory.budget.limit", () => memory.Limit, unit: "By", description: "Memory that unfinished messages, queues and pending handshakes may take together.");
        meter.CreateObservableGauge("relay.memory.budget.used", () => memory.Used, unit: "By", description: "Memory that they take.");
        meter.CreateObservableGauge("relay.memory.budget.waiting", () => memory.Waiting, description: "Client connections not read from until there is memory for their unfinished messages.");
        meter.CreateObservableCounter("relay.memory.budget.closed", () => reclaimer.Closed, description: "Client connections closed because they held most of the memory budget when it was used up.");
    }

    public void Fill(Stats stats) => stats.Memory = new MemoryStats
    {
        BudgetBytes = memory.Limit,
        UsedBytes = memory.Used,
        Waiting = memory.Waiting,
        ClosedTotal = reclaimer.Closed,
    };
}
