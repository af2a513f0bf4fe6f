using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;
using Relay.Admin;
using Relay.Admission;
using Relay.Federation;
using Relay.Listening;
using Relay.Presence;
using Relay.Telemetry;

namespace Relay.Http;

/// <summary>GET /metrics in Prometheus' text format, and the gauges whose figures belong to the tables.</summary>
internal static class MetricsEndpoint
{
    public static IServiceCollection AddMetricsEndpoint(this IServiceCollection services)
    {
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(RelayMetrics.MeterName)
            .AddPrometheusExporter(prometheus => prometheus.ScopeInfoEnabled = false));
        return services;
    }

    /// <summary>The exporter as a request delegate; the path was matched already.</summary>
    public static RequestDelegate BuildMetrics(this IApplicationBuilder app)
    {
        var services = app.ApplicationServices;
        AddGauges(
            services.GetRequiredService<RelayMetrics>().Meter,
            services.GetRequiredService<ConnectionLedger>(),
            services.GetRequiredService<LimitPolicyStore>(),
            services.GetRequiredService<SelfAudit>(),
            services.GetRequiredService<ConnectionTable>(),
            services.GetRequiredService<PeerTable>(),
            services.GetRequiredService<PresenceTable>());
        AdminGauges.Add(services);
        SignalingGauges.Add(services);
        AuthorityGauges.Add(services);
        return app.New().UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
    }

    private static void AddGauges(
        Meter meter,
        ConnectionLedger ledger,
        LimitPolicyStore policies,
        SelfAudit audit,
        ConnectionTable connections,
        PeerTable peers,
        PresenceTable presence)
    {
        meter.CreateObservableGauge("relay.connections", () => ledger.Totals().Live, description: "Live client sockets.");
        meter.CreateObservableGauge("relay.connections.addresses", () => ledger.Totals().KeysHolding, description: "Addresses that hold a client socket.");
        meter.CreateObservableCounter("relay.connections.admitted", () => ledger.Totals().Admitted, description: "Client sockets admitted.");
        meter.CreateObservableCounter("relay.connections.refused", () => Refused(ledger.Totals()), description: "Client sockets refused, by reason.");
        meter.CreateObservableGauge("relay.limit.total", () => policies.Current.Total, description: "Limit of client sockets in all.");
        meter.CreateObservableGauge("relay.limit.per_ip", () => policies.Current.PerIp, description: "Limit of client sockets per address.");
        meter.CreateObservableGauge("relay.limit.revision", () => policies.Current.Revision, description: "Revision of the limits.");
        meter.CreateObservableGauge("relay.audit.drift", () => audit.Last?.Drift ?? 0, description: "Places on the books minus live sockets at the last self-audit; 0 when all is well.");
        meter.CreateObservableCounter("relay.audit.runs", () => audit.Runs, description: "Self-audits made.");
        meter.CreateObservableGauge("relay.tcp.connections", () => connections.Count, description: "Open TCP connections of the public listener, of every kind.");
        meter.CreateObservableGauge("relay.peers", () => peers.ProvenCount, description: "Peer server links that were proven.");
        meter.CreateObservableGauge("relay.peers.unproven", () => peers.UnprovenCount, description: "Peer server sockets that are not proven yet.");
        meter.CreateObservableGauge("relay.pairing.codes", () => presence.Figures().Codes, description: "Pairing codes registered.");
        meter.CreateObservableCounter("relay.pairing.collisions", () => presence.Figures().Collisions, description: "Registrations of a code that another socket held.");
        meter.CreateObservableGauge("relay.process.memory", () => Environment.WorkingSet, unit: "By", description: "Resident memory.");
        meter.CreateObservableGauge("relay.process.heap", () => GC.GetTotalMemory(false), unit: "By", description: "Managed heap.");
        meter.CreateObservableCounter("relay.process.cpu", () => Environment.CpuUsage.TotalTime.TotalSeconds, unit: "s", description: "CPU time on all cores.");
        meter.CreateObservableGauge("relay.process.open_files", ProcessFigures.OpenFiles, description: "Open file descriptors.");
        meter.CreateObservableCounter("relay.process.collections", Collections, description: "Garbage collections, by generation.");
        meter.CreateObservableGauge("relay.process.threads", () => ThreadPool.ThreadCount, description: "Threads of the pool.");
    }

    private static IEnumerable<Measurement<long>> Refused(LedgerTotals totals) =>
    [
        new(totals.RefusedTotal, new KeyValuePair<string, object?>("reason", RefusalText.Label(Refusal.TotalLimit))),
        new(totals.RefusedPerIp, new KeyValuePair<string, object?>("reason", RefusalText.Label(Refusal.PerIpLimit))),
        new(totals.RefusedStopping, new KeyValuePair<string, object?>("reason", RefusalText.Label(Refusal.Stopping))),
    ];

    private static IEnumerable<Measurement<int>> Collections() =>
        Enumerable.Range(0, 3).Select(generation =>
            new Measurement<int>(GC.CollectionCount(generation), new KeyValuePair<string, object?>("generation", generation)));
}
