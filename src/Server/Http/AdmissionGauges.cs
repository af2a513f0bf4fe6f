using System.Diagnostics.Metrics;
using Relay.Admission;
using Relay.Policy;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.Http;

/// <summary>The figures of admission, on the one meter.</summary>
internal static class AdmissionGauges
{
    public static void Add(IServiceProvider services)
    {
        var meter = services.GetRequiredService<RelayMetrics>().Meter;
        var ledger = services.GetRequiredService<ConnectionLedger>();
        var policies = services.GetRequiredService<LimitPolicyStore>();
        var bans = services.GetRequiredService<AutoBans>();
        var overload = services.GetRequiredService<OverloadMonitor>();
        var handshakes = services.GetRequiredService<HandshakeGuard>();
        var memory = services.GetRequiredService<MemoryCeiling>();
        meter.CreateObservableGauge("relay.connections", () => ledger.Totals().Live, description: "Live client sockets.");
        meter.CreateObservableGauge("relay.connections.addresses", () => ledger.Totals().KeysHolding, description: "Addresses that hold a client socket.");
        meter.CreateObservableGauge("relay.connections.uncounted", () => ledger.Totals().Uncounted, description: "Live client connections of unlimited networks, which count against no limit.");
        meter.CreateObservableCounter("relay.connections.admitted", () => ledger.Totals().Admitted, description: "Client sockets admitted.");
        meter.CreateObservableCounter("relay.connections.refused", () => ByReason(ledger.Totals().Refused), description: "Client sockets refused, by reason.");
        meter.CreateObservableGauge("relay.overload.level", () => (int)overload.OverloadLevel, description: "Overload level: 0 normal (close frame), 1 elevated (HTTP status), 2 critical (reset before HTTP).");
        meter.CreateObservableCounter("relay.admission.rejections", () => Labelled(overload.Counts(), "mode"), description: "Rejected connections, by rejection mode.");
        meter.CreateObservableGauge("relay.handshakes.unfinished", () => handshakes.Count, description: "Connections whose request is not whole yet.");
        meter.CreateObservableCounter("relay.handshakes.cut", () => Labelled(handshakes.Counts(), "reason"), description: "Connections cut before their request was whole, by reason.");
        meter.CreateObservableGauge("relay.capacity.connections", () => Math.Min(policies.Current.Total, ledger.Totals().Ceiling.Value), description: "Client sockets that can be admitted in all: the total limit, or what files and memory leave room for.");
        meter.CreateObservableGauge("relay.capacity.connection_size", () => memory.BytesPerConnection, unit: "By", description: "Memory that one client socket takes, as measured.");
        meter.CreateObservableGauge("relay.memory.available", () => memory.Last.Available, unit: "By", description: "Memory of the machine or the control group that can still be had.");
        meter.CreateObservableCounter("relay.bans.automatic", () => bans.Made, description: "Bans that the relay made itself.");
        meter.CreateObservableGauge("relay.limit.total", () => policies.Current.Total, description: "Limit of client sockets in all.");
        meter.CreateObservableGauge("relay.limit.per_ip", () => policies.Current.PerIp, description: "Limit of client sockets per address.");
        meter.CreateObservableGauge("relay.limit.revision", () => policies.Current.Revision, description: "Revision of the limits.");
        meter.CreateObservableGauge("relay.shadow.refused", () => ByReason(ledger.ShadowTotals().Refused), description: "Client sockets admitted that the shadow limits would have refused, since the shadow was last changed.");
        meter.CreateObservableGauge("relay.shadow.admitted", () => ledger.ShadowTotals().Admits, description: "Client sockets refused that the shadow limits would have admitted, since the shadow was last changed.");
    }

    private static IEnumerable<Measurement<long>> Labelled(IEnumerable<KeyValuePair<string, long>> counts, string label) =>
        counts.Select(count => new Measurement<long>(count.Value, new KeyValuePair<string, object?>(label, count.Key)));

    private static IEnumerable<Measurement<long>> ByReason(IReadOnlyList<long> counts) => Rejections.All.Select(row =>
        new Measurement<long>(counts[(int)row.Reason], new KeyValuePair<string, object?>("reason", row.Label)));
}
