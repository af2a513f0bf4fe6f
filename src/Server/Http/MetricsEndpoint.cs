using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using Relay.Configuration;
using Relay.Telemetry;

namespace Relay.Http;

/// <summary>GET /metrics in Prometheus' text format.</summary>
internal static class MetricsEndpoint
{
    // Of one metric, more than any has: all labels are ours. Room for them is allocated at the start, for 2,000 without this.
    private const int MaxSeries = 200;

    public static IServiceCollection AddMetricsEndpoint(this IServiceCollection services)
    {
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("relayd", serviceVersion: ServerCommand.Version, autoGenerateServiceInstanceId: false))
            .WithMetrics(metrics => metrics
                .AddMeter(RelayMetrics.MeterName)
                .AddPrometheusExporter(prometheus => prometheus.ScopeInfoEnabled = false));

        // Meters are found by name in the whole process; another server's in it, as in tests, is not ours to show.
        return services.ConfigureOpenTelemetryMeterProvider((provider, metrics) =>
        {
            var own = provider.GetRequiredService<RelayMetrics>().Meter;
            metrics.AddView(instrument => instrument.Meter == own ? new MetricStreamConfiguration { CardinalityLimit = MaxSeries } : MetricStreamConfiguration.Drop);
        });
    }

    /// <summary>The exporter as a request delegate; the path was matched already.</summary>
    public static RequestDelegate BuildMetrics(this IApplicationBuilder app)
    {
        var meter = app.ApplicationServices.GetRequiredService<RelayMetrics>().Meter;
        foreach (var part in app.ApplicationServices.GetServices<IStatistics>())
        {
            part.AddInstruments(meter);
        }

        return app.New().UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
    }
}
