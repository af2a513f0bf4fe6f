using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;
using Relay.Clients;
using Relay.Federation;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.Http;

/// <summary>GET /metrics in Prometheus' text format, and the gauges whose figures belong to the tables.</summary>
internal static class MetricsEndpoint
{
    public static IServiceCollection AddMetricsEndpoint(this IServiceCollection services)
    {
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(RelayMetrics.MeterName)
            .AddPrometheusExporter(prometheus => prometheus.ScopeInfoEnabled = false));

        // Meters are found by name in the whole process; another server's in it, as in tests, is not ours to show.
        return services.ConfigureOpenTelemetryMeterProvider((provider, metrics) =>
        {
            var own = provider.GetRequiredService<RelayMetrics>().Meter;
            metrics.AddView(instrument => instrument.Meter == own ? null : MetricStreamConfiguration.Drop);
        });
    }

    /// <summary>The exporter as a request delegate; the path was matched already.</summary>
    public static RequestDelegate BuildMetrics(this IApplicationBuilder app)
    {
        var services = app.ApplicationServices;
        AddGauges(
            services.GetRequiredService<RelayMetrics>().Meter,
            services.GetRequiredService<LedgerReconciler>(),
            services.GetRequiredService<ConnectionTable>(),
            services.GetRequiredService<PeerTable>(),
            services.GetRequiredService<ClientDirectory>());
        AdmissionGauges.Add(services);
        ClientAddressGauges.Add(services);
        AdminGauges.Add(services);
        SignalingGauges.Add(services);
        AuthorityGauges.Add(services);
        FeatureGauges.Add(services);
        return app.New().UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
    }

    private static void AddGauges(
        Meter meter,
        LedgerReconciler audit,
        ConnectionTable connections,
        PeerTable peers,
        ClientDirectory presence)
    {
        meter.CreateObservableGauge("relay.audit.drift", () => audit.Last?.Drift ?? 0, description: "Places on the books minus live sockets at the last self-audit; 0 when all is well.");
        meter.CreateObservableCounter("relay.audit.runs", () => audit.Runs, description: "Self-audits made.");
        meter.CreateObservableGauge("relay.tcp.connections", () => connections.Count, description: "Open TCP connections of the public listener, of every kind.");
        meter.CreateObservableGauge("relay.peers", () => peers.AuthenticatedCount, description: "Peer server links that were proven.");
        meter.CreateObservableGauge("relay.peers.unproven", () => peers.PendingCount, description: "Peer server sockets that are not proven yet.");
        meter.CreateObservableGauge("relay.pairing.codes", () => presence.Figures().Codes, description: "Pairing codes registered.");
        meter.CreateObservableGauge("relay.pairing.peak_codes", () => presence.Figures().PeakCodes, description: "The most pairing codes that were registered at once.");
        meter.CreateObservableCounter("relay.pairing.registrations", () => presence.Figures().CodeRegistrations, description: "Registrations of a pairing code.");
        meter.CreateObservableCounter("relay.pairing.collisions", () => presence.Figures().Collisions, description: "Registrations of a code that another socket held.");
        meter.CreateObservableGauge("relay.process.memory", () => Environment.WorkingSet, unit: "By", description: "Resident memory.");
        meter.CreateObservableGauge("relay.process.heap", () => GC.GetTotalMemory(false), unit: "By", description: "Managed heap.");
        meter.CreateObservableCounter("relay.process.cpu", () => Environment.CpuUsage.TotalTime.TotalSeconds, unit: "s", description: "CPU time on all cores.");
        meter.CreateObservableGauge("relay.process.open_files", OpenFiles.Count, description: "Open file descriptors.");
        meter.CreateObservableCounter("relay.process.collections", Collections, description: "Garbage collections, by generation.");
        meter.CreateObservableGauge("relay.process.threads", () => ThreadPool.ThreadCount, description: "Threads of the pool.");
    }

    private static IEnumerable<Measurement<int>> Collections() =>
        Enumerable.Range(0, 3).Select(generation =>
            new Measurement<int>(GC.CollectionCount(generation), new KeyValuePair<string, object?>("generation", generation)));
}
