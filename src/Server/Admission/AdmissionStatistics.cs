using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Policy;
using Relay.Telemetry;

namespace Relay.Admission;

/// <summary>Connections, rejections by reason, and capacity.</summary>
internal sealed class AdmissionStatistics(ConnectionLedger ledger, LimitPolicyStore policies, AutoBans autoBans, MemoryCeiling memory, RelayState state) : IStatistics
{
    private static readonly (string Name, RelayPhase Phase)[] States =
        [("starting", RelayPhase.Starting), ("ready", RelayPhase.Serving), ("draining", RelayPhase.Draining), ("stopping", RelayPhase.Stopping)];

    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge(
            "relay.state",
            () => Series.Of("state", [.. States.Select(one => (one.Name, one.Phase == state.Phase ? 1L : 0L))]),
            description: "State of the relay: 1 for the state it is in, 0 for the others.");
        meter.CreateObservableGauge("relay.connections", () => ledger.Totals().Live, description: "Client connections that count against the limits.");
        meter.CreateObservableGauge("relay.connections.addresses", () => ledger.Totals().KeysHolding, description: "Addresses with at least one client connection.");
        meter.CreateObservableGauge("relay.connections.subjects", () => ledger.Totals().SubjectsHolding, description: "Authenticated subjects with at least one client connection.");
        meter.CreateObservableGauge("relay.connections.uncounted", () => ledger.Totals().Uncounted, description: "Client connections of unlimited networks, which count against no limit.");
        meter.CreateObservableCounter("relay.connections.admitted", () => ledger.Totals().Admitted, description: "Client connections admitted.");
        meter.CreateObservableCounter("relay.connections.refused", () => ByReason(ledger.Totals().Refused).Labelled("reason"), description: "Client connections rejected, by reason.");
        meter.CreateObservableCounter(
            "relay.shadow.refused",
            () => ByReason(ledger.ShadowTotals().Refused).Labelled("reason"),
            description: "Connections admitted that the shadow limits would have rejected, by reason. Starts again at 0 when the shadow limits change.");
        meter.CreateObservableCounter(
            "relay.shadow.admitted",
            () => ledger.ShadowTotals().Admits,
            description: "Connections rejected that the shadow limits would have admitted. Starts again at 0 when the shadow limits change.");
        meter.CreateObservableGauge(
            "relay.bans",
            () => Series.Of("origin", ("operator", policies.Current.BanCount), ("automatic", autoBans.All().Count)),
            description: "Bans in effect, by who made them.");
        meter.CreateObservableCounter("relay.bans.automatic", () => autoBans.Made, description: "Automatic bans made.");
        meter.CreateObservableGauge("relay.capacity.connections", () => EffectiveTotal(ledger.Totals().Ceiling), description: "Client connections that can be admitted in total: the total limit, or what open files and memory allow.");
        meter.CreateObservableGauge("relay.capacity.connection_size", () => memory.BytesPerConnection, unit: "By", description: "Measured memory of one client connection.");
        meter.CreateObservableGauge("relay.memory.available", () => memory.Last.Available, unit: "By", description: "Memory still available to the process on this machine or in its control group.");
    }

    public void Fill(Stats stats)
    {
        var totals = ledger.Totals();
        stats.State = state.Name;
        stats.Connections.Current = totals.Live;
        stats.Connections.Peak = totals.Peak;
        stats.Connections.Addresses = totals.KeysHolding;
        stats.Connections.AdmittedTotal = totals.Admitted;
        stats.Connections.Uncounted = totals.Uncounted;
        stats.Refused = new Refusals
        {
            TotalLimit = totals.RefusedBy(Refusal.TotalLimit),
            PerIpLimit = totals.RefusedBy(Refusal.PerIpLimit),
            Stopping = totals.RefusedBy(Refusal.Stopping),
            ByReason = { ByReason(totals.Refused).NonZero() },
        };
        stats.Capacity = CapacityOf(totals.Ceiling);
    }

    private Capacity CapacityOf(Ceiling ceiling) => new()
    {
        EffectiveTotal = EffectiveTotal(ceiling),
        Cause = ceiling.Value < policies.Current.Total ? ceiling.Cause : "limit",
        ByFiles = ceiling.ByFiles == int.MaxValue ? 0 : ceiling.ByFiles,
        ByMemory = ceiling.ByMemory == int.MaxValue ? 0 : ceiling.ByMemory,
        BytesPerConnection = memory.BytesPerConnection,
        MemoryLimitBytes = memory.Last.Limit,
        MemoryAvailableBytes = memory.Last.Available,
    };

    private int EffectiveTotal(Ceiling ceiling) => Math.Min(policies.Current.Total, ceiling.Value);

    private static IEnumerable<KeyValuePair<string, long>> ByReason(IReadOnlyList<long> counts) =>
        Rejections.All.Select(row => KeyValuePair.Create(row.Label, counts[(int)row.Reason]));
}
