using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Relay.AdminCli;

/// <summary>Answers in the format that was asked for, on the writer that the command was given.</summary>
/// <param name="observed">Given in a watch: an answer is one line, and each row says when it was read.</param>
internal sealed class Output(TextWriter writer, Terminal terminal, OutputFormat format, TimeProvider? observed = null)
{
    // A table of a million addresses is laid out in pieces of this many rows, not as one object.
    private const int RowsAtOnce = 1000;

    private const string ObservedAt = "observedAt";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly CsvWriter _csv = new(writer);

    /// <summary>For people.</summary>
    public bool IsText => format is OutputFormat.Table or OutputFormat.Wide;

    /// <summary>The whole answer is printed, and not only its rows: what it says besides need not be said elsewhere.</summary>
    public bool IsJson => format == OutputFormat.Json;

    /// <summary>The same for an answer that is one of several in a watch.</summary>
    public Output Into(TextWriter other, TimeProvider clock) => new(other, terminal, format, clock);

    /// <summary>An answer that is no list; <paramref name="text"/> prints it for people.</summary>
    public void Answer(IMessage message, Action text)
    {
        if (IsText)
        {
            text();
        }
        else
        {
            Object(MessageJson.Of(message), () => MessageJson.Columns(message.Descriptor));
        }
    }

    /// <summary>The same for an object that is no message. Its fields are always the same ones.</summary>
    public void Answer(JsonObject node, Action text)
    {
        if (IsText)
        {
            text();
        }
        else
        {
            Object(node, () => [.. node.Select(field => field.Key)]);
        }
    }

    /// <summary>An answer with rows, which are in <paramref name="fields"/>: numbers of repeated fields of the message.</summary>
    public void List(IMessage answer, IReadOnlyList<int> fields, Action text)
    {
        if (IsText)
        {
            text();
            return;
        }

        var node = MessageJson.Of(answer);
        // Where the next page begins is of no use to anybody: relayctl has fetched all that was asked for.
        node.Remove("nextPageToken");
        var lists = fields.Select(answer.Descriptor.FindFieldByNumber).ToArray();
        Rows(node, [.. lists.SelectMany(list => node[list.JsonName]!.AsArray())], () => [.. lists.SelectMany(list => MessageJson.Columns(list.MessageType)).Distinct()]);
    }

    /// <summary>The same for an answer that is no message.</summary>
    public void List(JsonObject answer, IEnumerable<JsonNode?> rows, IReadOnlyList<string> columns, Action text)
    {
        if (IsText)
        {
            text();
        }
        else
        {
            Rows(answer, rows, () => columns);
        }
    }

    /// <summary>What may now come in a stream.</summary>
    public void Begin(MessageDescriptor kind)
    {
        if (format == OutputFormat.Csv)
        {
            _csv.Begin(() => MessageJson.Columns(kind));
            Flush();
        }
    }

    /// <summary>What has just come in a stream; <paramref name="line"/> is it for people. It is seen now: a pipe buffers otherwise.</summary>
    public void Entry(IMessage message, Func<string> line)
    {
        if (IsText)
        {
            writer.WriteLine(line());
        }
        else
        {
            Row(MessageJson.Of(message), () => MessageJson.Columns(message.Descriptor));
        }

        Flush();
    }

    public void Line(string text) => writer.WriteLine(text);

    /// <summary>What is written is seen now; a pipe buffers otherwise.</summary>
    public void Flush() => writer.Flush();

    /// <summary>Columns whose every row is a whole number stand to the right.</summary>
    public void Table(IReadOnlyList<Column> allColumns, IReadOnlyList<string[]> allRows)
    {
        var shown = Enumerable.Range(0, allColumns.Count)
            .Where(i => format == OutputFormat.Wide || !allColumns[i].Wide)
            .Where(i => !allColumns[i].IfAny || allRows.Any(row => row[i] != Units.Unknown)).ToArray();
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

    private void Object(JsonObject node, Func<IReadOnlyList<string>> columns)
    {
        if (IsJson && observed is null)
        {
            writer.WriteLine(node.ToJsonString(Indented));
        }
        else
        {
            Row(node, columns);
        }
    }

    private void Rows(JsonObject answer, IEnumerable<JsonNode?> rows, Func<IReadOnlyList<string>> columns)
    {
        if (IsJson)
        {
            Object(answer, columns);
            return;
        }

        if (format == OutputFormat.Csv)
        {
            _csv.Begin(() => Stamped(columns()));
        }

        foreach (var row in rows)
        {
            Row(row!.AsObject(), columns);
        }
    }

    private void Row(JsonObject row, Func<IReadOnlyList<string>> columns)
    {
        if (observed is not null)
        {
            row.Insert(0, ObservedAt, Units.ExactTime(observed.GetUtcNow().ToTimestamp()));
        }

        if (format == OutputFormat.Csv)
        {
            _csv.Begin(() => Stamped(columns()));
            _csv.Write(row);
        }
        else
        {
            writer.WriteLine(row.ToJsonString());
        }
    }

    private IReadOnlyList<string> Stamped(IReadOnlyList<string> columns) => observed is null ? columns : [ObservedAt, .. columns];

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
