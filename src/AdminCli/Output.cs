using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Relay.AdminCli;

/// <summary>How answers are printed.</summary>
internal enum OutputFormat
{
    Table,
    Json,
}

/// <summary>Answers as borderless tables or as JSON, on the writer that the command was given.</summary>
internal sealed class Output(TextWriter writer, Terminal terminal, OutputFormat format)
{
    // A table of a million addresses is laid out in pieces of this many rows, not as one object.
    private const int RowsAtOnce = 1000;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public bool IsJson => format == OutputFormat.Json;

    public void Json(IMessage message) => Json(MessageJson.Of(message));

    public void JsonLine(IMessage message) => writer.WriteLine(MessageJson.Of(message).ToJsonString());

    /// <summary>For an answer that leaves a field of its message out.</summary>
    public void JsonWithout(IMessage message, string field)
    {
        var node = MessageJson.Of(message);
        node.Remove(field);
        Json(node);
    }

    /// <summary>The fields of several messages as one object, for an answer that says more than its message does.</summary>
    public void JsonOf(params IReadOnlyList<IMessage> messages)
    {
        var all = new JsonObject();
        foreach (var (name, value) in messages.SelectMany(MessageJson.Of))
        {
            all[name] = value?.DeepClone();
        }

        Json(all);
    }

    /// <summary>An object that is no message, made of some.</summary>
    public void Json(JsonObject node) => writer.WriteLine(node.ToJsonString(Indented));

    public void Line(string text) => writer.WriteLine(text);

    /// <summary>What is written is seen now; a pipe buffers otherwise.</summary>
    public void Flush() => writer.Flush();

    /// <summary>Columns whose every row is a whole number stand to the right.</summary>
    public void Table(IReadOnlyList<Column> allColumns, IReadOnlyList<string[]> allRows)
    {
        var shown = Enumerable.Range(0, allColumns.Count).Where(i => !allColumns[i].IfAny || allRows.Any(row => row[i] != Units.Unknown)).ToArray();
        IReadOnlyList<Column> columns = [.. shown.Select(i => allColumns[i])];
        IReadOnlyList<string[]> rows = shown.Length == allColumns.Count ? allRows : [.. allRows.Select(row => shown.Select(i => row[i]).ToArray())];
        var widths = columns.Select((column, i) => rows.Max(row => row[i].GetCellWidth()) is var widest && widest > column.Title.Length ? widest : column.Title.Length).ToArray();
        // On a terminal that is too narrow the cells are folded, so no column may insist on its width.
        var fits = widths.Sum(width => width + Column.Gap) <= terminal.Size().Columns;
        for (var start = 0; start < rows.Count; start += RowsAtOnce)
        {
            var table = new Table { Border = TableBorder.None, ShowHeaders = start == 0 };
            for (var i = 0; i < columns.Count; i++)
            {
                table.AddColumn(columns[i].Lay(fits ? widths[i] : null));
            }

            foreach (var row in rows.Skip(start).Take(RowsAtOnce))
            {
                table.AddRow(row.Select(cell => new Text(cell)));
            }

            Write(table);
        }
    }

    /// <summary>Labels to the left, and after each what there is to say about it.</summary>
    public void Rows(IEnumerable<StatsRow> rows) => Write(StatsRow.Lay(rows));

    /// <summary>The same as text, for a screen that is drawn as a whole.</summary>
    public string Render(IEnumerable<StatsRow> rows) => Render(StatsRow.Lay(rows));

    private void Write(IRenderable renderable) => writer.Write(Render(renderable));

    private string Render(IRenderable renderable)
    {
        var text = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = terminal.Colour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = terminal.Colour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new RenderTarget(text, terminal.Size().Columns),
            // Otherwise the variables of a CI system would switch colour on.
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        console.Write(renderable);
        // Cells are filled up to their column; trailing blanks are removed.
        return string.Concat(text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd() + "\n"));
    }
}
