using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>How fast the counters rose between two snapshots; null where it is unknown.</summary>
internal sealed record StatsRates(double? Admitted, double? Refused, double? MessagesIn, double? MessagesOut, double? BytesIn, double? BytesOut)
{
    // One object: records are compared by their properties.
    private static readonly Dictionary<string, StatsRates> NoNodes = [];

    public static readonly StatsRates Unknown = new(null, null, null, null, null, null);

    private IReadOnlyDictionary<string, StatsRates> ByNode { get; init; } = NoNodes;

    public static StatsRates Between(Stats? before, Stats now)
    {
        if (before is not null && ClusterText.IsSum(now))
        {
            return OfCluster(before.Cluster, now.Cluster);
        }

        if (before is null || Seconds(before, now) is not { } seconds)
        {
            return Unknown;
        }

        double? PerSecond(Func<Stats, long?> counter) => (counter(now) - counter(before)) is { } rise and >= 0 ? rise / seconds : null;
        return new StatsRates(
            PerSecond(stats => stats.Connections?.AdmittedTotal),
            PerSecond(stats => stats.Refused is { } refused ? RefusedTotal(refused) : null),
            PerSecond(stats => stats.Traffic?.MessagesReceivedTotal),
            PerSecond(stats => stats.Traffic?.MessagesSentTotal),
            PerSecond(stats => stats.Traffic?.BytesReceivedTotal),
            PerSecond(stats => stats.Traffic?.BytesSentTotal));
    }

    /// <summary>Of one of the nodes that these are the sum of.</summary>
    public StatsRates OfNode(string node) => ByNode.GetValueOrDefault(node, Unknown);

    /// <summary>
    /// By the relay's own uptime: no clock of ours or its own that is set in between can spoil it, and it falls at a restart.
    /// Null as well where the two are sums of other nodes: a node that came would look like a burst.
    /// </summary>
    public static double? Seconds(Stats? before, Stats now) =>
        before?.Uptime is { } then && now.Uptime is { } since && AreOfSameNodes(before, now)
        && (since - then).ToTimeSpan().TotalSeconds is > 0 and var seconds ? seconds : null;

    private static bool AreOfSameNodes(Stats before, Stats now) =>
        Names(before).SequenceEqual(Names(now))
        && (now.Cluster?.ByNode ?? []).Zip(before.Cluster?.ByNode ?? []).All(pair => pair.First.Stats?.Uptime?.CompareTo(pair.Second.Stats?.Uptime) > 0);

    private static IEnumerable<string> Names(Stats stats) => (stats.Cluster?.ByNode ?? []).Select(node => node.Node);

    // Node by node: one that came, went or was restarted in between spoils only its own.
    private static StatsRates OfCluster(ClusterStats? before, ClusterStats now)
    {
        var then = (before?.ByNode ?? []).DistinctBy(node => node.Node).ToDictionary(node => node.Node, node => node.Stats);
        var rates = now.ByNode.DistinctBy(node => node.Node).ToDictionary(node => node.Node, node => Between(then.GetValueOrDefault(node.Node), node.Stats ?? new Stats()));
        double? Sum(Func<StatsRates, double?> rate) => rates.Values.Any(node => rate(node) is not null) ? rates.Values.Sum(rate) : null;
        return new StatsRates(
            Sum(node => node.Admitted), Sum(node => node.Refused), Sum(node => node.MessagesIn), Sum(node => node.MessagesOut), Sum(node => node.BytesIn), Sum(node => node.BytesOut))
        {
            ByNode = rates,
        };
    }

    /// <summary>For all reasons; an older relay reports only the three that have fields of their own.</summary>
    private static long RefusedTotal(Refusals refused) =>
        Math.Max(refused.ByReason.Values.Sum(), refused.TotalLimit + refused.PerIpLimit + refused.Stopping);
}
