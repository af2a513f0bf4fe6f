using Spectre.Console;

namespace Relay.AdminCli.Top;

/// <summary>The rows of addresses. Columns that do not fit go whole, the last ones first: half a number would be a wrong one.</summary>
internal static class TopTable
{
    private const int Gap = 2;
    private const int MarkerWidth = 1;

    // Narrower, the column would jump with every address that comes and goes.
    private static readonly (string Title, int Width)[] Columns =
    [
        ("ADDRESS", 15), ("CONN", 5), ("LIMIT", 5), ("REFUSED", 8), ("REF/S", 7), ("ADMITTED", 8), ("PEAK", 5), ("LAST_SEEN", 9),
    ];

    /// <summary>A heading and at most <paramref name="most"/> rows, among them the one with the marker.</summary>
    public static IEnumerable<TopLine> Lines(TopState state, int columns, int most)
    {
        var now = state.Stats.Time?.ToDateTimeOffset() ?? default;
        var first = Math.Max(0, state.MarkedIndex - most + 1);
        var shown = state.Rows.Skip(first).Take(most).ToArray();
        var cells = shown.Select(row => Cells(row, now)).ToArray();
        var widths = Columns.Select((column, i) => cells.Select(row => row[i].Text.GetCellWidth()).Append(column.Width).Max()).ToArray();
        var count = Fitting(widths, columns);
        string[] titles = [.. Columns.Select(column => column.Title)];
        titles[0] = state.View.Networks ? "NETWORK" : "ADDRESS";
        yield return Lay(" ", [.. titles.Select(title => new StatsRow.Part(title, Tone.Strong))], widths, count);
        for (var i = 0; i < cells.Length; i++)
        {
            yield return first + i == state.MarkedIndex
                ? Lay(">", [new(cells[i][0].Text, Tone.Strong), .. cells[i][1..]], widths, count)
                : Lay(" ", cells[i], widths, count);
        }
    }

    private static int Fitting(int[] widths, int columns)
    {
        var (count, used) = (1, MarkerWidth + widths[0]);
        while (count < widths.Length && used + Gap + widths[count] <= columns)
        {
            used += Gap + widths[count++];
        }

        return count;
    }

    private static TopLine Lay(string marker, StatsRow.Part[] cells, int[] widths, int count) => new(
    [
        new(marker, Tone.Strong),
        .. cells.Take(count).Select((cell, i) =>
        {
            var blanks = new string(' ', Math.Max(0, widths[i] - cell.Text.GetCellWidth()));
            return cell with { Text = i == 0 ? cell.Text + blanks : new string(' ', Gap) + blanks + cell.Text };
        }),
    ]);

    private static StatsRow.Part[] Cells(TopRow row, DateTimeOffset now)
    {
        var ip = row.Entry;
        return
        [
            Printable.CleanOrUnknown(ip.Key),
            new(Units.Count(ip.Connections), ip.Limit > 0 && ip.Connections >= ip.Limit ? Tone.Warning : Tone.Plain),
            ip.Limit == 0 ? Units.Unknown : Units.Count(ip.Limit),
            Units.Count(ip.Refused),
            new(row.RefusedPerSecond is > 0 ? Units.Rate(row.RefusedPerSecond) : Units.Unknown, Tone.Warning),
            Units.Count(ip.Admitted),
            Units.Count(ip.Peak),
            Units.Since(ip.LastSeen, now),
        ];
    }
}
