namespace Relay.Protocol;

/// <summary>The names of the fields that somebody may ask a message for: ASCII.</summary>
internal sealed class FieldNames
{
    private readonly HashSet<string> _names;
    private readonly NameTable<string> _table;

    public FieldNames(params IEnumerable<string> names)
    {
        _names = names.ToHashSet(StringComparer.Ordinal);
        _table = new NameTable<string>(_names.Select(name => KeyValuePair.Create(name, name)));
    }

    public int Count => _names.Count;

    public bool Contains(string name) => _names.Contains(name);

    /// <summary>The name that a JSON string spells, given with its quotes; null: it is none of these. Allocates nothing.</summary>
    public string? Find(ReadOnlySpan<byte> quoted) => _table.Find(quoted);
}
