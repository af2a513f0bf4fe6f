using Spectre.Console;
using Spectre.Console.Rendering;

namespace Relay.AdminCli;

/// <summary>Severity of a value; a colour on a terminal, nothing elsewhere.</summary>
internal enum Tone
{
    Plain,

    /// <summary>The name of what follows.</summary>
    Strong,
    Good,
    Warning,
    Alarm,
}

/// <summary>A label and what there is to say about it, such as "clients   9,812 of 10,000   peak 10,000".</summary>
internal sealed record StatsRow(string Label, params IReadOnlyList<StatsRow.Part> Parts)
{
    private const string Gap = "   ";

    internal readonly record struct Part(string Text, Tone Tone = Tone.Plain)
    {
        public static implicit operator Part(string text) => new(text);
    }

    public static IRenderable Lay(IEnumerable<StatsRow> rows)
    {
        var grid = new Grid();
        grid.AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, Gap.Length, 0) });
        grid.AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        foreach (var row in rows)
        {
            // Paragraph and Text take their text as it is; Markup would read brackets that a peer wrote as colours.
            var line = new Paragraph();
            for (var i = 0; i < row.Parts.Count; i++)
            {
                line.Append(i == 0 ? "" : Gap).Append(row.Parts[i].Text, StyleOf(row.Parts[i].Tone));
            }

            grid.AddRow(new Text(row.Label, new Style(decoration: Decoration.Bold)), line);
        }

        return grid;
    }

    private static Style StyleOf(Tone tone) => tone switch
    {
        Tone.Strong => new Style(decoration: Decoration.Bold),
        Tone.Good => new Style(Color.Green),
        Tone.Warning => new Style(Color.Yellow),
        Tone.Alarm => new Style(Color.Red, decoration: Decoration.Bold),
        _ => Style.Plain,
    };
}
