using System.Buffers;
using System.Text.Json;

namespace Relay.Protocol;

/// <summary>
/// A client's message as an index over its bytes, made in one pass: its fields are found when asked for, a payload is a
/// slice and never becomes objects. Of a key given twice the last counts; a key that nobody asks for takes no memory, so a
/// message needs no more than it has known names. Valid only until it is disposed, once.
/// </summary>
internal readonly struct ClientMessage : IDisposable
{
    private const int UsualFields = 16;

    private readonly FieldNames _names;
    private readonly Field[] _fields;
    private readonly int _count;

    private ClientMessage(JsonValueKind kind, FieldNames names, Field[] fields, int count)
    {
        Kind = kind;
        _names = names;
        _fields = fields;
        _count = count;
    }

    /// <summary>What the whole message is; only an object has fields.</summary>
    public JsonValueKind Kind { get; }

    /// <summary>False when the bytes are not one JSON value in UTF-8.</summary>
    /// <param name="names">Of the fields that may be asked for.</param>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, FieldNames names, out ClientMessage message)
    {
        message = default;

        // A text frame's bytes were checked by the WebSocket, a binary frame's were not.
        if (!System.Text.Unicode.Utf8.IsValid(bytes.Span))
        {
            return false;
        }

        var fields = ArrayPool<Field>.Shared.Rent(UsualFields);
        var count = 0;
        try
        {
            var members = new JsonMembers(bytes);
            while (members.MoveNext())
            {
                if (members.Kind == JsonValueKind.Object && names.Find(members.Current.Name.Span) is { } name)
                {
                    var place = IndexOf(fields.AsSpan(0, count), name);
                    if (place < 0)
                    {
                        fields = count < fields.Length ? fields : Enlarge(fields);
                        place = count++;
                    }

                    fields[place] = new Field(name, members.Current.Value);
                }
            }

            members.End();
            message = new ClientMessage(members.Kind, names, fields, count);
            return true;
        }
        catch (JsonException)
        {
            // A client's error: the caller answers it.
            Return(fields);
            return false;
        }
    }

    /// <summary>Places rented for fields: bounded by the names, whatever a client sends.</summary>
    public int RentedFields => _fields.Length;

    public bool Has(string name) => Value(name).ValueKind != JsonValueKind.Undefined;

    /// <summary>The field's text; null when it is absent, no string, or not valid Unicode.</summary>
    public string? Text(string name) => Value(name).Text;

    public bool IsTrue(string name) => Value(name).ValueKind == JsonValueKind.True;

    /// <summary>The field's number, or null when it is absent or no JSON number; one that is too great is infinite. Never negative zero.</summary>
    public double? Number(string name) => Value(name).Number + 0.0;

    /// <summary>The field's bytes as they came, empty when it is absent.</summary>
    public ReadOnlySpan<byte> Raw(string name) => Value(name).Raw.Span;

    /// <summary>The field's value, of kind Undefined when it is absent.</summary>
    /// <exception cref="ArgumentException">The name is not one of those that the message was parsed for.</exception>
    public JsonValue Value(string name)
    {
        var place = IndexOf(_fields.AsSpan(0, _count), name);
        return place >= 0 ? _fields[place].Value
            : _names.Contains(name) ? default
            : throw new ArgumentException($"{name} is none of the fields that the message was parsed for", nameof(name));
    }

    /// <summary>True when the field is there, and neither null nor an empty text.</summary>
    public bool HasContent(string name) => Value(name) switch
    {
        { ValueKind: JsonValueKind.Undefined or JsonValueKind.Null } => false,
        { ValueKind: JsonValueKind.String } text => text.Raw.Length > 2,
        _ => true,
    };

    /// <summary>
    /// A name that people see: trimmed and truncated to 128 UTF-16 units without splitting a pair; null when absent, empty or no
    /// valid text.
    /// </summary>
    public string? DisplayText(string name) => Text(name)?.Trim() is { Length: > 0 } text ? Truncate(text) : null;

    /// <summary>The text, or its first 128 UTF-16 units without half a pair at the end.</summary>
    public static string Truncate(string text)
    {
        const int Max = 128;
        return text.Length <= Max ? text : text[..(char.IsHighSurrogate(text[Max - 1]) ? Max - 1 : Max)];
    }

    public void Dispose()
    {
        if (_fields is not null)
        {
            Return(_fields);
        }
    }

    private static int IndexOf(ReadOnlySpan<Field> fields, string name)
    {
        for (var i = 0; i < fields.Length; i++)
        {
            if (fields[i].Name == name)
            {
                return i;
            }
        }

        return -1;
    }

    private static Field[] Enlarge(Field[] fields)
    {
        var larger = ArrayPool<Field>.Shared.Rent(fields.Length * 2);
        fields.CopyTo(larger, 0);
        Return(fields);
        return larger;
    }

    // Cleared, so that no message's buffer is kept by the pool.
    private static void Return(Field[] fields) => ArrayPool<Field>.Shared.Return(fields, clearArray: true);

    private readonly record struct Field(string Name, JsonValue Value);
}
