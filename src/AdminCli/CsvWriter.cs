using System.Text.Json.Nodes;

namespace Relay.AdminCli;

/// <summary>
/// Objects as lines of comma-separated values (RFC 4180): one header, lines that end with CR LF, and quotes where a value needs them. Values are
/// those of the JSON; a list or a map is one value, its JSON. A value that looks like a formula is left as it is.
/// </summary>
internal sealed class CsvWriter(TextWriter writer)
{
    /// <summary>Between the names of fields that lie in one another.</summary>
    public const char Dot = '.';

    private const string EndOfLine = "\r\n";

    private string[][]? _paths;

    /// <summary>The header, once.</summary>
    public void Begin(Func<IReadOnlyList<string>> columns)
    {
        if (_paths is null)
        {
            var names = columns();
            _paths = [.. names.Select(name => name.Split(Dot))];
            WriteLine(names);
        }
    }

    public void Write(JsonObject row) => WriteLine(_paths!.Select(path => Text(path.Aggregate((JsonNode?)row, static (node, name) => node?[name]))));

    private static string Text(JsonNode? node) => node switch
    {
        null => "",
        JsonValue value when value.TryGetValue(out string? text) => text,
        _ => node.ToJsonString(),
    };

    // The RFC has no place for control characters, and a terminal would obey them; -o jsonl has them, escaped.
    private static string Quoted(string text) =>
        Printable.Clean(text) is var clean && clean.AsSpan().ContainsAny(',', '"') ? $"\"{clean.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : clean;

    private void WriteLine(IEnumerable<string> values) => writer.Write(string.Join(',', values.Select(Quoted)) + EndOfLine);
}
