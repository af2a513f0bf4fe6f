using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>How the relay protects itself from overload, in rows of a snapshot. An older relay does not report it and has none of them.</summary>
internal static class GuardRows
{
    public static IEnumerable<StatsRow> Of(Stats stats)
    {
        if (stats.Overload is { Level.Length: > 0 } overload)
        {
            yield return new("overload",
            [
                OverloadLevel(overload),
                $"{Units.Rate(overload.RefusedPerSecond)}",
                Cpu(overload),
                .. StatsView.ByReason(overload.RejectionsTotal),
            ]);
        }

        if (stats.Handshakes is { Limit: > 0 } handshakes)
        {
            yield return new("handshakes",
            [
                new StatsRow.Part($"pending {Units.Count(handshakes.Pending)} of {Units.Count(handshakes.Limit)}", StatsView.Fullness((double)handshakes.Pending / handshakes.Limit)),
                $"rejected {Units.Count(handshakes.RejectedTotal.Values.Sum())}",
                .. StatsView.ByReason(handshakes.RejectedTotal),
            ]);
        }

        if (stats.Memory is { BudgetBytes: > 0 } memory)
        {
            yield return new("buffers",
            [
                new StatsRow.Part(
                    $"{Units.Bytes(memory.UsedBytes)} of {Units.Bytes(memory.BudgetBytes)} ({Units.Share(memory.UsedBytes, memory.BudgetBytes)})",
                    StatsView.Fullness((double)memory.UsedBytes / memory.BudgetBytes)),
                new StatsRow.Part($"waiting {Units.Count(memory.Waiting)}", memory.Waiting > 0 ? Tone.Warning : Tone.Plain),
                new StatsRow.Part($"closed {Units.Count(memory.ClosedTotal)}", memory.ClosedTotal > 0 ? Tone.Warning : Tone.Plain),
            ]);
        }
    }

    /// <summary>"normal", "critical (pinned)".</summary>
    public static StatsRow.Part OverloadLevel(OverloadStatus overload) =>
        new($"{Printable.CleanOrUnknown(overload.Level)}{(overload.Pinned ? " (pinned)" : "")}", overload.Level == "normal" ? Tone.Good : Tone.Warning);

    public static StatsRow.Part Cpu(OverloadStatus overload) => $"CPU {Units.Share(overload.CpuPercent, 100)}";

    /// <summary>What applies instead of the total limit; nothing where that limit itself applies.</summary>
    public static IEnumerable<StatsRow.Part> Effective(Capacity? capacity) => capacity is { EffectiveTotal: > 0, Cause: not ("" or "limit") }
        ? [new StatsRow.Part($"effective {Units.Count(capacity.EffectiveTotal)} ({Printable.CleanOrUnknown(capacity.Cause)})", Tone.Warning)]
        : [];
}
