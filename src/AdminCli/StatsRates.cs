using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>How fast the counters rose between two snapshots; null where it is unknown.</summary>
internal sealed record StatsRates(double? Admitted, double? Refused, double? MessagesIn, double? MessagesOut, double? BytesIn, double? BytesOut)
{
    public static readonly StatsRates Unknown = new(null, null, null, null, null, null);

    public static StatsRates Between(Stats? before, Stats now)
    {
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

    /// <summary>
    /// By the relay's own uptime: no clock of ours or its own that is set in between can spoil it, and it falls at a restart.
    /// </summary>
    public static double? Seconds(Stats? before, Stats now) =>
        before?.Uptime is { } then && now.Uptime is { } since && (since - then).ToTimeSpan().TotalSeconds is > 0 and var seconds ? seconds : null;

    /// <summary>For all reasons; an older relay reports only the three that have fields of their own.</summary>
    private static long RefusedTotal(Refusals refused) =>
        Math.Max(refused.ByReason.Values.Sum(), refused.TotalLimit + refused.PerIpLimit + refused.Stopping);
}
