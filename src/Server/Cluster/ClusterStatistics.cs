using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Cluster;

/// <summary>The connection to NATS, the nodes that are heard, and what they say to each other.</summary>
internal sealed class ClusterStatistics(ClusterOptions options, ClusterBus bus, ClusterNodes nodes, Questions questions) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.cluster.up", () => bus.IsUp ? 1 : 0, description: "Whether NATS can be reached: 1 or 0.");
        meter.CreateObservableGauge("relay.cluster.nodes", () => nodes.Count, description: "Other nodes of the cluster that are heard.");
        meter.CreateObservableCounter("relay.cluster.messages", () => ByKind(bytes: false), description: "Messages between nodes, by direction and kind.");
        meter.CreateObservableCounter("relay.cluster.traffic", () => ByKind(bytes: true), unit: "By", description: "Bytes of messages between nodes, by direction and kind.");
        meter.CreateObservableCounter("relay.cluster.refused", () => bus.Counts.Refused, description: "Messages that were ignored because they were malformed or of another version.");
        meter.CreateObservableGauge("relay.cluster.waiting", () => bus.Waiting, description: "Messages waiting to be sent to other nodes.");
        meter.CreateObservableGauge("relay.cluster.questions", () => questions.Count, description: "Questions to other nodes that wait for an answer.");
        meter.CreateObservableCounter("relay.cluster.questions.silent", () => questions.Silent, description: "Questions that were not answered in time.");
        questions.Measure(meter);
    }

    public void Fill(Stats stats)
    {
        if (options.IsOn)
        {
            stats.Cluster = new ClusterStats { Name = options.Name, Away = !bus.IsUp, Nodes = nodes.Count };
        }
    }

    private IEnumerable<Measurement<long>> ByKind(bool bytes) => bus.Traffic.All().Select(row => new Measurement<long>(
        bytes ? row.Bytes : row.Messages,
        new KeyValuePair<string, object?>("direction", row.Direction),
        new KeyValuePair<string, object?>("kind", row.Kind)));
}
