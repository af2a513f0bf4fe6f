using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>A snapshot as one line of key=value, for a watch that is piped into a file or a program.</summary>
internal static class StatsLine
{
    public static string Format(Stats stats, StatsRates rates)
    {
        var time = Units.Time(stats.Time);
        return string.Join(' ',
        [
            time,
            $"state={Printable.CleanOrUnknown(stats.State)}",
            $"clients={stats.Connections?.Current ?? 0}/{stats.Limits?.Total ?? 0}",
            $"addresses={stats.Connections?.Addresses ?? 0}",
            $"admitted={Units.Rate(rates.Admitted)}",
            $"refused={Units.Rate(rates.Refused)}",
            $"in={Units.Rate(rates.MessagesIn)}",
            $"out={Units.Rate(rates.MessagesOut)}",
            $"bytes-in={Bare(rates.BytesIn)}",
            $"bytes-out={Bare(rates.BytesOut)}",
            $"queued={stats.Traffic?.QueuedMessages ?? 0}",
            $"codes={stats.Pairing?.ActiveCodes ?? 0}",
            .. ClusterText.IsSum(stats) ? [$"nodes={stats.Cluster.ByNode.Count}"] : Array.Empty<string>(),
            $"peers={stats.Peers?.Authenticated ?? 0}",
            $"relays={stats.Relays?.Registered ?? 0}",
            $"channels={stats.Channels?.Channels ?? 0}",
            $"chunks={stats.Chunks?.Known ?? 0}",
            $"db-queue={stats.Storage?.Waiting ?? 0}",
            (stats.Ledger is { Drift: not 0 } ledger ? $"MISMATCH={ledger.Drift}" : "mismatch=0")
                + string.Concat((stats.ClientAddress?.Warnings ?? []).Select(warning => $" WARNING={Printable.CleanOrUnknown(warning)}"))
                + (stats.AuditFile is { Failing: true } ? " AUDIT-FILE=failing" : "")
                + string.Concat((stats.Cluster?.Missing ?? []).Select(missing => $" MISSING={(missing.Node.Length == 0 ? "*" : Printable.Word(missing.Node))}")),
        ]);
    }

    /// <summary>The line for an interval without a relay.</summary>
    public static string Disconnected(DateTimeOffset now, TimeSpan lost) => $"{Units.Time(now.ToTimestamp())} state=disconnected for={Units.Duration(lost)}";

    // "1.2KiB/s": a blank would break the line's fields.
    private static string Bare(double? rate) => Units.ByteRate(rate).Replace(" ", "", StringComparison.Ordinal);
}
