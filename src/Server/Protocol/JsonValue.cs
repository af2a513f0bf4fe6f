using System.Text.Json;

namespace Relay.Protocol;

/// <summary>
/// A value within well-formed JSON: its kind and its bytes as they came. What is inside is read when asked for, in one pass
/// and without recursion, however deep it is; values that are not read are only skipped. The default is of kind Undefined.
/// </summary>
internal readonly record struct JsonValue(JsonValueKind ValueKind, ReadOnlyMemory<byte> Raw)
{
    /// <summary>A string's text; null when this is no string or its text is not valid Unicode.</summary>
    public string? Text => ValueKind == JsonValueKind.String ? JsonText.Decode(Raw.Span) : null;

    /// <summary>True for a string whose text is valid Unicode.</summary>
    public bool IsText => ValueKind == JsonValueKind.String && JsonText.IsValid(Raw.Span);

    /// <summary>A string's length in UTF-16 units.</summary>
    public int TextLength => JsonText.Length(Raw.Span);

    /// <summary>The number, or null when this is none; one that is too great is infinite.</summary>
    public double? Number
    {
        get
        {
            if (ValueKind != JsonValueKind.Number)
            {
                return null;
            }

            var reader = new Utf8JsonReader(Raw.Span);
            reader.Read();
            return reader.GetDouble();
        }
    }

    /// <summary>The members of an object or array, in order.</summary>
    public JsonMembers Members => new(Raw);

    /// <summary>How many members an object or array has.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            for (var members = Members; members.MoveNext();)
            {
                count++;
            }

            return count;
        }
    }

    /// <summary>The object's field, of a name given twice the last; Undefined when there is none. The name is ASCII.</summary>
    public JsonValue Field(string name)
    {
        var found = default(JsonValue);
        if (ValueKind == JsonValueKind.Object)
        {
            foreach (var member in Members)
            {
                found = JsonText.Is(member.Name.Span, name) ? member.Value : found;
            }
        }

        return found;
    }
}

/// <summary>One member: the name with its quotes as it came (empty in an array), and the value.</summary>
internal readonly record struct JsonMember(ReadOnlyMemory<byte> Name, JsonValue Value);

/// <summary>Reads one value's members one after the other; what is within them is skipped.</summary>
internal ref struct JsonMembers
{
    private readonly ReadOnlyMemory<byte> _json;
    private Utf8JsonReader _reader;

    /// <summary>Begins before the value's members.</summary>
    /// <exception cref="JsonException">Thrown here and later where the bytes are no JSON.</exception>
    public JsonMembers(ReadOnlyMemory<byte> json)
    {
        _json = json;

        // No JSON is deeper than it is long.
        _reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { MaxDepth = Math.Max(1, json.Length) });
        _reader.Read();
        Kind = KindOf(_reader.TokenType);
    }

    /// <summary>What the whole value is.</summary>
    public JsonValueKind Kind { get; }

    public JsonMember Current { get; private set; }

    public readonly JsonMembers GetEnumerator() => this;

    /// <summary>False at the end of the value; that of a single value is at once.</summary>
    public bool MoveNext()
    {
        if (Kind is not (JsonValueKind.Object or JsonValueKind.Array))
        {
            return false;
        }

        _reader.Read();
        if (_reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
        {
            return false;
        }

        var name = ReadOnlyMemory<byte>.Empty;
        if (_reader.TokenType == JsonTokenType.PropertyName)
        {
            // A name's token ends with its colon, and blanks may stand before that.
            name = _json.Slice((int)_reader.TokenStartIndex, _reader.ValueSpan.Length + 2);
            _reader.Read();
        }

        var start = (int)_reader.TokenStartIndex;
        var kind = KindOf(_reader.TokenType);
        _reader.Skip();
        Current = new JsonMember(name, new JsonValue(kind, _json[start..(int)_reader.BytesConsumed]));
        return true;
    }

    /// <summary>Checks that nothing but blanks follows the last member.</summary>
    public void End() => _reader.Read();

    private static JsonValueKind KindOf(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => JsonValueKind.Object,
        JsonTokenType.StartArray => JsonValueKind.Array,
        JsonTokenType.String => JsonValueKind.String,
        JsonTokenType.Number => JsonValueKind.Number,
        JsonTokenType.True => JsonValueKind.True,
        JsonTokenType.False => JsonValueKind.False,
        JsonTokenType.Null => JsonValueKind.Null,
        _ => JsonValueKind.Undefined,
    };
}
