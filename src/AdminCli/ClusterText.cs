using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>What answers about several nodes have in common: the option that asks for them, who is missing, where a change is in force.</summary>
internal static class ClusterText
{
    public const string OptionName = "--cluster";

    public static Option<bool> Option(string description) => new(OptionName) { Description = description };

    /// <summary>"b is missing: no answer within 2 s".</summary>
    public static string Missing(MissingNode missing) =>
        $"{(missing.Node.Length == 0 ? "every other node" : Printable.Word(missing.Node))} is missing: {Printable.CleanOrUnknown(missing.Problem)}";

    /// <summary>Not on the output: a program that adds up rows must not add up these.</summary>
    public static void TellMissing(AdminCall call, IEnumerable<MissingNode> missing)
    {
        if (!call.Output.IsJson)
        {
            foreach (var node in missing)
            {
                call.Error.WriteLine($"warning: {Missing(node)}");
            }
        }
    }

    /// <summary>Where a change is in force; nothing where the relay is alone, or nothing was changed.</summary>
    public static IEnumerable<StatsRow> InForce(IReadOnlyCollection<NodeRevision> nodes)
    {
        if (nodes.Count == 0)
        {
            yield break;
        }

        var lagging = nodes.Where(node => !node.InForce).ToArray();
        yield return new("nodes",
        [
            new StatsRow.Part($"in force on {Units.Count(nodes.Count - lagging.Length)} of {Units.Count(nodes.Count)} nodes", lagging.Length == 0 ? Tone.Good : Tone.Warning),
            .. lagging.Select(node => new StatsRow.Part($"not on {Printable.Word(node.Node)} ({Printable.CleanOrUnknown(node.Problem)})", Tone.Warning)),
        ]);
    }

    /// <summary>Whether the snapshot is the sum of several nodes.</summary>
    public static bool IsSum(Stats stats) => stats.Cluster?.ByNode.Count > 0;

    /// <summary>"a*", "b": the relay that answers has a star.</summary>
    public static string Name(NodeStats node) => Printable.Word(node.Node) + (node.Self ? "*" : "");

    /// <summary>"3 of 3 nodes ready", and those that are missing.</summary>
    public static IEnumerable<StatsRow.Part> Summary(ClusterStats cluster)
    {
        var ready = cluster.ByNode.Count(node => node.Stats?.State == "ready");
        var all = cluster.ByNode.Count + cluster.Missing.Count(missing => missing.Node.Length > 0);
        yield return new($"{Units.Count(ready)} of {Units.Count(all)} nodes ready", ready == all && !cluster.Away ? Tone.Good : Tone.Warning);
        foreach (var missing in cluster.Missing)
        {
            yield return new(Missing(missing), Tone.Alarm);
        }
    }

    /// <summary>What there is to say about one node.</summary>
    public static IEnumerable<StatsRow.Part> Of(Stats stats, StatsRates rates)
    {
        var (connections, limits) = (stats.Connections ?? new Connections(), stats.Limits ?? new Limits());
        var full = limits.Total > 0 ? (double)connections.Current / limits.Total : 0;
        yield return new(Printable.CleanOrUnknown(stats.State), stats.State == "ready" ? Tone.Good : Tone.Warning);
        yield return new($"clients {Units.Count(connections.Current)} of {Units.Count(limits.Total)} ({Units.Share(connections.Current, limits.Total)})", StatsView.Fullness(full));
        yield return $"refused {Units.Count(stats.Refused?.ByReason.Values.Sum() ?? 0)}{(rates.Refused is > 0 ? $" +{Units.Rate(rates.Refused)}" : "")}";
        yield return $"codes {Units.Count(stats.Pairing?.ActiveCodes ?? 0)}";
        yield return rates.MessagesIn is null ? $"in {Units.Count(stats.Traffic?.MessagesReceivedTotal ?? 0)} messages" : $"in {Units.Rate(rates.MessagesIn)}";
        yield return $"RSS {Units.Bytes(stats.Process?.ResidentBytes ?? 0)}";
        yield return $"CPU {Units.Share(stats.Overload?.CpuPercent ?? 0, 100)}";
        if (stats.Storage is { Away: true })
        {
            yield return new("database away", Tone.Alarm);
        }
    }
}
