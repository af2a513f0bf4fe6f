using System.Globalization;
using System.Text;

namespace Relay.Benchmarks.Cluster;

/// <summary>The tables of docs/scaling.md.</summary>
internal static class ScalingTables
{
    private static readonly int[] Nodes = [3, 10, 30, 100, 1000];

    private static readonly (string Title, (string Name, Func<ScalingModel, double> Value)[] Rows)[] Tables =
    [
        ("of one node", [
            ("clients, thousands", model => model.Clients / 1e3),
            ("their memory with the kernel's, GB", model => model.MemoryBytes / 1e9),
            ("registrations a second", model => model.Registrations),
            ("forwards a second", model => model.Forwards),
            ("messages heard a second", model => model.MessagesHeard),
            ("MB/s heard: pairings and forwards", model => model.BytesForClients / 1e6),
            ("MB/s heard: counts", model => model.BytesForCounts / 1e6),
            ("MB/s heard: heartbeats", model => model.BytesForHeartbeats / 1e6),
            ("cores: registrations, pairings, forwards", model => model.CoresForClients),
            ("cores: counts of the others", model => model.CoresForCounts),
            ("cores: heartbeats, and an idle node's own", model => model.CoresForHeartbeats),
            ("percent of the others' addresses that it keeps", model => model.KeptPart * 100),
            ("seconds until all its names are confirmed after NATS was away", model => model.ConfirmSeconds),
        ]),
        ("of all NATS servers together", [
            ("cores: registrations, pairings, forwards", model => model.NatsCoresForClients),
            ("thousands of heartbeats and counts delivered a second", model => model.NatsDeliveries / 1e3),
            ("cores: the same", model => model.NatsCoresForNodes),
            ("MB/s delivered", model => model.NatsBytes / 1e6),
            ("memory of each server for names, GB", model => model.NatsMemoryBytes / 1e9),
        ]),
    ];

    public static string Write()
    {
        var text = new StringBuilder();
        foreach (var (title, rows) in Tables)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n| {title} | {string.Join(" | ", Nodes.Select(nodes => $"{nodes:#,0} nodes"))} |\n|---|{string.Concat(Nodes.Select(_ => "---:|"))}\n");
            foreach (var (name, value) in rows)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {name} | {string.Join(" | ", Nodes.Select(nodes => Cell(value(new ScalingModel(nodes)))))} |\n");
            }
        }

        return text.Append('\n').ToString();
    }

    // Two digits: the figures that it comes from are no better.
    private static string Cell(double value)
    {
        if (value <= 0)
        {
            return "0";
        }

        var unit = Math.Pow(10, Math.Floor(Math.Log10(value)) - 1);
        var rounded = Math.Round(value / unit) * unit;
        return rounded.ToString(rounded >= 10 ? "#,0" : rounded >= 1 ? "0.0" : rounded >= 0.1 ? "0.00" : "0.####", CultureInfo.InvariantCulture);
    }
}
