using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>How the relay guards itself, in rows of a snapshot. An older relay does not tell of it and has none of them.</summary>
internal static class GuardRows
{
    public static IEnumerable<StatsRow> Of(Stats stats)
    {
        if (stats.Overload is { Level.Length: > 0 } refusing)
        {
            yield return new("refusing",
            [
                OverloadLevel(refusing),
                $"{Units.Rate(refusing.RefusedPerSecond)}",
                Cpu(refusing),
                .. StatsView.ByReason(refusing.RejectionsTotal),
            ]);
        }

        if (stats.Handshakes is { Limit: > 0 } handshakes)
        {
            yield return new("handshakes",
            [
                new StatsRow.Part($"unfinished {Units.Count(handshakes.Pending)} of {Units.Count(handshakes.Limit)}", StatsView.Fullness((double)handshakes.Pending / handshakes.Limit)),
                $"cut {Units.Count(handshakes.RejectedTotal.Values.Sum())}",
                .. StatsView.ByReason(handshakes.RejectedTotal),
            ]);
        }
    }

    /// <summary>"normal", "flooded (pinned)".</summary>
    public static StatsRow.Part OverloadLevel(OverloadStatus refusing) =>
        new($"{Printable.CleanOrUnknown(refusing.Level)}{(refusing.Pinned ? " (pinned)" : "")}", refusing.Level == "normal" ? Tone.Good : Tone.Warning);

    public static StatsRow.Part Cpu(OverloadStatus refusing) => $"CPU {Units.Share(refusing.CpuPercent, 100)}";

    /// <summary>What holds instead of the total limit; nothing where that limit itself holds.</summary>
    public static IEnumerable<StatsRow.Part> Effective(Capacity? capacity) => capacity is { EffectiveTotal: > 0, Cause: not ("" or "limit") }
        ? [new StatsRow.Part($"effective {Units.Count(capacity.EffectiveTotal)} ({Printable.CleanOrUnknown(capacity.Cause)})", Tone.Warning)]
        : [];
}
