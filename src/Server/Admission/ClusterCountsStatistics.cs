using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Admission;

/// <summary>What other nodes hold, how old that is, and how far limits were exceeded for it.</summary>
internal sealed class ClusterCountsStatistics(RemoteCounts remote, ClusterCounts counts) : IStatistics
{
    // After the part of the connection itself, which says whether there is a cluster.
    public void Fill(Stats stats)
    {
        if (stats.Cluster is { } cluster)
        {
            cluster.Connections = remote.Total;
            (cluster.OvershootsTotal, cluster.OvershootMax) = counts.Overshoot;
        }
    }

    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.cluster.connections", () => remote.Total, description: "Client connections of the other nodes that count against limits, as they reported last.");
        meter.CreateObservableGauge("relay.cluster.keys", () => remote.Keys, description: "Addresses, and networks with a limit, with a client connection on another node.");
        meter.CreateObservableGauge("relay.cluster.counts_age", () => remote.Age.TotalSeconds, unit: "s", description: "Age of the oldest of the other nodes' counts.");
        meter.CreateObservableCounter("relay.cluster.keys_dropped", () => remote.Dropped, description: "Counts of other nodes that were not kept, because there are too many.");
        meter.CreateObservableCounter("relay.cluster.counts_malformed", () => counts.Malformed, description: "Messages with counts of other nodes that were ignored because they were malformed.");
        meter.CreateObservableCounter("relay.cluster.overshoot", () => counts.Overshoot.Keys, description: "How often an address or network turned out to be above its limit in all nodes together.");
        meter.CreateObservableGauge("relay.cluster.overshoot_max", () => counts.Overshoot.Worst, description: "Connections by which the worst of them was above its limit, since the start.");
    }
}
