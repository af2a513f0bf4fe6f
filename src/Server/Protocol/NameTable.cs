using System.Text;

namespace Relay.Protocol;

/// <summary>A few ASCII names, each with something that belongs to it, found by the JSON string that spells it. Allocates nothing.</summary>
internal sealed class NameTable<T>
    where T : class
{
    // An escaped character has six bytes.
    private const int BytesOfEscape = 6;

    private readonly (byte[] Name, T Value)[][] _byLength;

    public NameTable(params IEnumerable<KeyValuePair<string, T>> names)
    {
        var all = names.Select(name => (Name: Encoding.ASCII.GetBytes(name.Key), name.Value)).ToLookup(name => name.Name.Length);
        _byLength = [.. Enumerable.Range(0, all.Max(length => length.Key) + 1).Select(length => all[length].ToArray())];
    }

    /// <summary>What belongs to the name that the string says, given with its quotes; null: it says none of these.</summary>
    public T? Find(ReadOnlySpan<byte> quoted)
    {
        var spelled = quoted[1..^1];
        return FindPlain(spelled) ?? (spelled.Contains((byte)'\\') ? FindEscaped(quoted) : null);
    }

    private T? FindPlain(ReadOnlySpan<byte> name)
    {
        if (name.Length < _byLength.Length)
        {
            foreach (var (known, value) in _byLength[name.Length])
            {
                if (name.SequenceEqual(known))
                {
                    return value;
                }
            }
        }

        return null;
    }

    // A spelling that is longer says something else, and is not looked at.
    private T? FindEscaped(ReadOnlySpan<byte> quoted)
    {
        Span<char> text = stackalloc char[BytesOfEscape * _byLength.Length];
        Span<byte> name = stackalloc byte[text.Length];
        return quoted.Length <= text.Length && JsonText.IsValid(quoted) && JsonText.TryCopyAscii(quoted, text, out var length)
            ? FindPlain(name[..Encoding.ASCII.GetBytes(text[..length], name)])
            : null;
    }
}
