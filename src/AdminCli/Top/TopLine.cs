using System.Text;
using Spectre.Console;

namespace Relay.AdminCli.Top;

/// <summary>One line of the screen. A long line is truncated: a line that wraps would push the others off.</summary>
internal sealed record TopLine(params IReadOnlyList<StatsRow.Part> Parts)
{
    private const string Gap = "   ";
    private const string End = "\e[m";

    public static readonly TopLine Empty = new();

    /// <summary>A part that does not fit is omitted with all after it: half a number would be a wrong one.</summary>
    public bool IsFigures { get; init; }

    /// <summary>A label in a column of its own, and what there is to say about it.</summary>
    public static TopLine Of(string label, int width, IEnumerable<StatsRow.Part> parts) =>
        new([new StatsRow.Part(label.PadRight(width), Tone.Strong), .. parts.SelectMany((part, i) => i == 0 ? [part] : new[] { (StatsRow.Part)Gap, part })]) { IsFigures = true };

    /// <summary>As text of at most so many cells; with colour where it is wanted.</summary>
    public string Paint(int columns, bool colour)
    {
        var line = new StringBuilder();
        var left = columns;
        foreach (var part in Parts)
        {
            if (IsFigures && part.Text.GetCellWidth() > left)
            {
                break;
            }

            var text = Truncate(part.Text, left);
            left -= text.GetCellWidth();
            line.Append(colour && text.Length > 0 && Begin(part.Tone) is { } begin ? $"{begin}{text}{End}" : text);
        }

        return line.ToString();
    }

    /// <summary>A sentence on as many lines as it takes; the last of <paramref name="most"/> is truncated.</summary>
    public static IReadOnlyList<TopLine> Wrap(StatsRow.Part sentence, int columns, int most)
    {
        var lines = new List<string> { "" };
        foreach (var word in sentence.Text.Split(' '))
        {
            if (lines[^1].Length > 0 && lines[^1].GetCellWidth() + 1 + word.GetCellWidth() > columns && lines.Count < most)
            {
                lines.Add("");
            }

            lines[^1] += lines[^1].Length == 0 ? word : $" {word}";
        }

        return [.. lines.Select(line => new TopLine(sentence with { Text = line }))];
    }

    private static string Truncate(string text, int cells)
    {
        if (text.GetCellWidth() <= cells)
        {
            return text;
        }

        var truncated = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            cells -= rune.ToString().GetCellWidth();
            if (cells < 0)
            {
                break;
            }

            truncated.Append(rune);
        }

        return truncated.ToString();
    }

    private static string? Begin(Tone tone) => tone switch
    {
        Tone.Strong => "\e[1m",
        Tone.Good => "\e[32m",
        Tone.Warning => "\e[33m",
        Tone.Alarm => "\e[1;31m",
        _ => null,
    };
}
