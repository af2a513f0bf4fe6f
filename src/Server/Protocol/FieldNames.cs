using System.Collections.Frozen;

namespace Relay.Protocol;

/// <summary>The names of the fields that somebody may ask a message for: ASCII, at most 24 letters.</summary>
internal sealed class FieldNames
{
    private const int MaxLength = 24;

    // As an escape a letter has six bytes.
    private const int MaxSpelling = 6 * MaxLength;

    private readonly FrozenSet<string> _names;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    public FieldNames(params IEnumerable<string> names)
    {
        _names = names.ToFrozenSet(StringComparer.Ordinal);
        _lookup = _names.GetAlternateLookup<ReadOnlySpan<char>>();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_names.Max(name => name.Length), MaxLength, nameof(names));
    }

    public int Count => _names.Count;

    public bool Contains(string name) => _names.Contains(name);

    /// <summary>The name that a JSON string spells, given with its quotes; null: it is none of these. Allocates nothing.</summary>
    public string? Find(ReadOnlySpan<byte> quoted)
    {
        // A spelling that is longer says something else, and is not looked at.
        Span<char> name = stackalloc char[MaxSpelling];
        return quoted.Length - 2 <= MaxSpelling && JsonText.IsValid(quoted)
            && JsonText.TryCopyAscii(quoted, name, out var length) && _lookup.TryGetValue(name[..length], out var known) ? known : null;
    }
}
