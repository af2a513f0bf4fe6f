namespace Relay.AdminCli.Top;

/// <summary>
/// The state as lines: statistics, addresses, and at the foot the prompt or the last answer. Never more lines than the screen
/// has, whatever its size, and no line longer.
/// </summary>
internal static class TopScreen
{
    // A question or the relay's own sentence may take more than one line; the addresses make room.
    private const int MaxStatusLines = 3;

    // Fewer addresses than these are no list: on a low screen some statistics are omitted first.
    private const int FewestRows = 3;

    // Between the statistics and the rows: the list's name and its heading.
    private const int ListHead = 2;

    // One line of status, one of keys.
    private const int MinFoot = 2;

    public static IReadOnlyList<TopLine> Lines(TopState state, int columns, int rows, bool ascii)
    {
        StatsRow.Part status = state.Prompt is { } prompt ? new(prompt.Line(), Tone.Warning) : state.Status;
        TopLine[] foot = [.. TopLine.Wrap(status, columns, MaxStatusLines), new TopLine(TopKeys.Foot)];
        // A screen too low for the foot and anything else keeps what is asked.
        var body = Body(state, columns, Math.Max(0, rows - foot.Length), ascii);
        var blanks = Math.Max(0, rows - foot.Length - body.Count);
        return [.. body.Concat(Enumerable.Repeat(TopLine.Empty, blanks)).Concat(foot).Take(rows)];
    }

    /// <summary>The same without the foot.</summary>
    public static IReadOnlyList<TopLine> Body(TopState state, int columns, int rows, bool ascii)
    {
        var stats = new TopStats(state, columns, ascii).Lines(MaxStatsLines(rows));
        var left = rows - stats.Count - ListHead;
        var list = state.Help ? Help() : List(state, columns, Math.Max(0, left));
        return [.. stats.Concat(list).Take(rows)];
    }

    /// <summary>How many addresses are worth asking for.</summary>
    public static int RowsThatFit(TopState state, int columns, int rows) =>
        Math.Max(1, rows - new TopStats(state, columns, ascii: true).Lines(MaxStatsLines(Math.Max(0, rows - MinFoot))).Count - ListHead);

    private static int MaxStatsLines(int rows) => Math.Max(1, rows - ListHead - Math.Max(FewestRows, rows / 4));

    private static IEnumerable<TopLine> List(TopState state, int columns, int most)
    {
        var shown = Math.Min(most, state.Rows.Count);
        yield return new TopLine(
            new StatsRow.Part($"{state.View.Describe()}", Tone.Strong),
            $"   {Units.Count(shown)} of {Units.Count(state.TotalRows)}{(state.Wanted == state.View ? "" : "   ...")}");
        foreach (var line in TopTable.Lines(state, columns, most))
        {
            yield return line;
        }
    }

    private static IEnumerable<TopLine> Help()
    {
        yield return TopLine.Empty;
        foreach (var (keys, meaning) in TopKeys.Help)
        {
            yield return new TopLine(new StatsRow.Part(keys.PadRight(14), Tone.Strong), meaning);
        }
    }
}
