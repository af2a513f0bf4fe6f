using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>How the relay guards itself, in rows of a snapshot. An older relay does not tell of it and has none of them.</summary>
internal static class GuardRows
{
    public static IEnumerable<StatsRow> Of(Stats stats)
    {
        if (stats.Refusing is { Rung.Length: > 0 } refusing)
        {
            yield return new("refusing",
            [
                Rung(refusing),
                $"{Units.Rate(refusing.RefusedPerSecond)}",
                Cpu(refusing),
                .. StatsView.ByReason(refusing.AnsweredTotal),
            ]);
        }

        if (stats.Handshakes is { Limit: > 0 } handshakes)
        {
            yield return new("handshakes",
            [
                new StatsRow.Part($"unfinished {Units.Count(handshakes.Unfinished)} of {Units.Count(handshakes.Limit)}", StatsView.Fullness((double)handshakes.Unfinished / handshakes.Limit)),
                $"cut {Units.Count(handshakes.CutTotal.Values.Sum())}",
                .. StatsView.ByReason(handshakes.CutTotal),
            ]);
        }
    }

    /// <summary>"calm", "flooded (pinned)".</summary>
    public static StatsRow.Part Rung(Refusing refusing) =>
        new($"{Printable.CleanOrUnknown(refusing.Rung)}{(refusing.Pinned ? " (pinned)" : "")}", refusing.Rung == "calm" ? Tone.Good : Tone.Warning);

    public static StatsRow.Part Cpu(Refusing refusing) => $"CPU {Units.Share(refusing.CpuPercent, 100)}";

    /// <summary>What holds instead of the total limit; nothing where that limit itself holds.</summary>
    public static IEnumerable<StatsRow.Part> Effective(Capacity? capacity) => capacity is { EffectiveTotal: > 0, Cause: not ("" or "limit") }
        ? [new StatsRow.Part($"effective {Units.Count(capacity.EffectiveTotal)} ({Printable.CleanOrUnknown(capacity.Cause)})", Tone.Warning)]
        : [];
}
