using Relay.AdminApi;

namespace Relay.AdminCli.Top;

/// <summary>The upper part of the screen: what is full, how much is refused and why. An older relay has fewer lines.</summary>
internal sealed class TopStats(TopState state, int columns, bool ascii)
{
    private const int LabelWidth = 12;
    private const int NarrowColumns = 60;
    private const int ShortestBar = 6;
    private const int MaxBar = 48;
    private const int MaxNodes = 12;
    private const int LastRank = 11;

    private readonly Stats _stats = state.Stats;
    private readonly StatsRates _rates = StatsRates.Between(state.Before, state.Stats);

    /// <summary>In the order of the screen; where it is too low, those with the lowest rank stay.</summary>
    public IReadOnlyList<TopLine> Lines(int most)
    {
        var all = All().ToArray();
        var kept = all.OrderBy(line => line.Rank).Take(most).ToHashSet();
        return [.. all.Where(kept.Contains).Select(line => line.Line)];
    }

    private IEnumerable<(int Rank, TopLine Line)> All()
    {
        var connections = _stats.Connections ?? new Connections();
        var (traffic, process) = (_stats.Traffic ?? new Traffic(), _stats.Process ?? new Process());
        yield return (0, Title());
        if (StatsView.Mismatch(_stats) is { } mismatch)
        {
            yield return (1, new TopLine(new StatsRow.Part(mismatch, Tone.Alarm)));
        }

        foreach (var warning in StatsView.Warnings(_stats))
        {
            foreach (var line in TopLine.Wrap(new StatsRow.Part($"WARNING: {warning}", Tone.Warning), columns, most: 2))
            {
                yield return (5, line);
            }
        }

        yield return (2, Clients(connections));
        if (ClusterText.IsSum(_stats))
        {
            yield return (3, TopLine.Of("nodes", LabelWidth, ClusterText.Summary(_stats.Cluster)));

            // Of more than fit, those that are not well come first.
            var nodes = _stats.Cluster.ByNode.OrderBy(node => node.Stats?.State == "ready").Take(MaxNodes).ToArray();
            for (var i = 0; i < nodes.Length; i++)
            {
                yield return (LastRank + i, TopLine.Of(ClusterText.Name(nodes[i]), LabelWidth, ClusterText.Of(nodes[i].Stats ?? new Stats(), _rates.OfNode(nodes[i].Node))));
            }
        }

        if (_stats.Handshakes is { Limit: > 0 } handshakes)
        {
            yield return (7, Bar("handshakes", handshakes.Pending, handshakes.Limit,
                [Of(handshakes.Pending, handshakes.Limit), $"rejected {Units.Count(handshakes.RejectedTotal.Values.Sum())}", .. StatsView.ByReason(handshakes.RejectedTotal)]));
        }

        yield return (6, Memory(process, _stats.Capacity));
        if (process.OpenFilesLimit > 0)
        {
            yield return (10, Bar("open files", process.OpenFiles, process.OpenFilesLimit, [Of(process.OpenFiles, process.OpenFilesLimit)]));
        }

        if (_stats.Overload is { Level.Length: > 0 } overload)
        {
            yield return (4, TopLine.Of("overload", LabelWidth, [GuardRows.OverloadLevel(overload), Units.Rate(overload.RefusedPerSecond), GuardRows.Cpu(overload), .. StatsView.ByReason(overload.RejectionsTotal)]));
        }

        yield return (3, TopLine.Of("refused", LabelWidth, Refused()));
        yield return (8, TopLine.Of("sockets", LabelWidth,
        [
            $"signaling {Units.Count(connections.Signaling)}",
            $"relay {Units.Count(connections.Relay)}",
            .. ClusterText.IsSum(_stats) ? [] : new StatsRow.Part[] { $"addresses {Units.Count(connections.Addresses)}" },
            $"peers {Units.Count(_stats.Peers?.Authenticated ?? 0)}",
        ]));
        yield return (9, TopLine.Of("traffic", LabelWidth,
        [
            $"in {Units.Rate(_rates.MessagesIn)}, {Units.ByteRate(_rates.BytesIn)}",
            $"out {Units.Rate(_rates.MessagesOut)}, {Units.ByteRate(_rates.BytesOut)}",
            $"queued {Units.Count(traffic.QueuedMessages)}",
        ]));
    }

    private TopLine Title()
    {
        var time = Units.Time(_stats.Time);
        StatsRow.Part right = state.Paused ? new StatsRow.Part("PAUSED ", Tone.Warning) : "";
        StatsRow.Part[] left =
        [
            state.Lost is { } lost ? new($"DISCONNECTED {Units.Duration(lost)}", Tone.Alarm)
                : new(Printable.CleanOrUnknown(_stats.State), _stats.State == "ready" ? Tone.Good : Tone.Warning),
            $"  up {Units.Duration(_stats.Uptime)}  {Printable.CleanOrUnknown(_stats.Version)}  {state.Server}",
        ];
        var space = columns - "relay ".Length - left.Sum(part => part.Text.Length) - right.Text.Length - time.Length;
        // The time is at the right edge; a long address gives way to it.
        left[1] = space < 1 ? new StatsRow.Part(left[1].Text[..Math.Max(0, left[1].Text.Length + space - 1)] + " ") : left[1].Text + new string(' ', space);
        return new TopLine([new("relay ", Tone.Strong), .. left, right, time]);
    }

    private TopLine Clients(Connections connections)
    {
        var total = _stats.Limits?.Total ?? 0;
        StatsRow.Part[] effective = [.. GuardRows.Effective(_stats.Capacity)];
        var most = effective.Length > 0 ? _stats.Capacity!.EffectiveTotal : total;
        return Bar("clients", connections.Current, most,
            [Of(connections.Current, total), .. StatsView.Uncounted(connections.Uncounted), .. effective, $"+{Units.Rate(_rates.Admitted)}", .. Peak(connections)]);
    }

    private IEnumerable<StatsRow.Part> Peak(Connections connections) => ClusterText.IsSum(_stats) ? [] : [$"peak {Units.Count(connections.Peak)}"];

    // The bar is what nobody can have any more: pages that a control group does not count make the relay look larger than it.
    private TopLine Memory(Process process, Capacity? capacity)
    {
        string[] own = [$"RSS {Units.Bytes(process.ResidentBytes)}", $"heap {Units.Bytes(process.HeapBytes)}"];
        if (capacity is not { MemoryLimitBytes: > 0 and var limit })
        {
            return TopLine.Of("memory", LabelWidth, [.. own]);
        }

        var used = Math.Max(0, limit - capacity.MemoryAvailableBytes);
        return Bar("memory", used, limit, [$"{Units.Bytes(used)} of {Units.Bytes(limit)} ({Units.Share(used, limit)})", .. own]);
    }

    // What is refused now comes before what was refused most in total: at 3 a.m. the question is what happens now.
    private IEnumerable<StatsRow.Part> Refused()
    {
        yield return new(Units.Rate(_rates.Refused), _rates.Refused > 0 ? Tone.Warning : Tone.Plain);
        var seconds = StatsRates.Seconds(state.Before, _stats);
        var reasons = (_stats.Refused?.ByReason ?? [])
            .Select(pair => (Name: pair.Key, Count: pair.Value, Rate: (pair.Value - (state.Before?.Refused?.ByReason.GetValueOrDefault(pair.Key) ?? 0)) / seconds))
            .OrderByDescending(reason => reason.Rate ?? 0).ThenByDescending(reason => reason.Count).ThenBy(reason => reason.Name, StringComparer.Ordinal);
        foreach (var (name, count, rate) in reasons)
        {
            yield return new($"{Printable.CleanOrUnknown(name)} {Units.Count(count)}{(rate > 0 ? $" +{Units.Rate(rate)}" : "")}", rate > 0 ? Tone.Warning : Tone.Plain);
        }
    }

    private TopLine Bar(string label, double part, double whole, IEnumerable<StatsRow.Part> text)
    {
        // On a narrow screen the number beside the bar says more than the bar.
        var width = columns < NarrowColumns ? ShortestBar : Math.Min((columns - LabelWidth) / 3, MaxBar);
        var line = TopLine.Of("", 0, text);
        return new TopLine([new(label.PadRight(LabelWidth), Tone.Strong), .. TopBar.Draw(part, whole, width, ascii), " ", .. line.Parts]) { IsFigures = true };
    }

    private static StatsRow.Part Of(long part, long whole) => $"{Units.Count(part)} of {Units.Count(whole)} ({Units.Share(part, whole)})";
}
