using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Relay.Federation;

/// <summary>
/// What JSON.stringify(JSON.parse(text)) gives, which is what peer servers sign: order kept, no blanks, strings and numbers
/// written anew. Stricter in three points: no key twice, a bounded depth, no number beyond a double.
/// </summary>
internal static class CanonicalJson
{
    private const int MaxDepth = 8;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>The canonical text of an object without its properties <paramref name="dropped"/>.</summary>
    public static bool TryWriteObject(ReadOnlySpan<byte> json, ReadOnlySpan<string> dropped, out byte[] canonical)
    {
        canonical = [];

        // The reader takes bytes inside strings as they are; a binary frame may hold anything.
        if (!Utf8.IsValid(json))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(json, Options);
            var text = new StringBuilder(json.Length);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject || !TryWriteObject(ref reader, text, dropped) || reader.Read())
            {
                return false;
            }

            canonical = Encoding.UTF8.GetBytes(text.ToString());
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>A string in quotation marks, escaped as JSON.stringify does it and no further.</summary>
    public static void WriteString(StringBuilder text, string value)
    {
        text.Append('"');
        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            if (char.IsHighSurrogate(c) && i + 1 < value.Length && char.IsLowSurrogate(value[i + 1]))
            {
                text.Append(c).Append(value[++i]);
                continue;
            }

            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ when char.IsSurrogate(c) => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        }

        text.Append('"');
    }

    private static bool TryWriteValue(ref Utf8JsonReader reader, StringBuilder text)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return TryWriteObject(ref reader, text, []);
            case JsonTokenType.StartArray:
                return TryWriteArray(ref reader, text);
            case JsonTokenType.String:
                WriteString(text, Decode(reader.ValueSpan));
                return true;
            case JsonTokenType.Number:
                return JavaScriptNumber.TryWrite(reader.ValueSpan, text);
            default:
                // true, false and null.
                text.Append(Encoding.UTF8.GetString(reader.ValueSpan));
                return true;
        }
    }

    private static bool TryWriteObject(ref Utf8JsonReader reader, StringBuilder text, ReadOnlySpan<string> dropped)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        SortedList<uint, string>? indexes = null;
        var rest = new StringBuilder();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Decode(reader.ValueSpan);
            var property = new StringBuilder();
            WriteString(property, name);
            property.Append(':');
            if (!names.Add(name) || !reader.Read() || !TryWriteValue(ref reader, property))
            {
                return false;
            }

            if (dropped.Contains(name))
            {
                continue;
            }

            if (IsArrayIndex(name, out var index))
            {
                (indexes ??= []).Add(index, property.ToString());
            }
            else
            {
                rest.Append(rest.Length > 0 ? "," : "").Append(property);
            }
        }

        // JavaScript lists keys that look like array indexes first, by value, wherever they stood.
        var first = indexes is null ? "" : string.Join(',', indexes.Values);
        text.Append('{').Append(first).Append(first.Length > 0 && rest.Length > 0 ? "," : "").Append(rest).Append('}');
        return true;
    }

    private static bool TryWriteArray(ref Utf8JsonReader reader, StringBuilder text)
    {
        text.Append('[');
        for (var comma = ""; reader.Read() && reader.TokenType != JsonTokenType.EndArray; comma = ",")
        {
            text.Append(comma);
            if (!TryWriteValue(ref reader, text))
            {
                return false;
            }
        }

        text.Append(']');
        return true;
    }

    // 0 to 2^32 - 2, written as JavaScript would write it.
    private static bool IsArrayIndex(string name, out uint index) =>
        uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out index)
        && index != uint.MaxValue
        && char.IsAsciiDigit(name[^1]) // TryParse ignores zero characters at the end.
        && (name.Length == 1 || name[0] != '0');

    // By hand: the library refuses half a surrogate pair, which JavaScript carries along. The reader has checked the escapes.
    private static string Decode(ReadOnlySpan<byte> raw)
    {
        var text = Encoding.UTF8.GetString(raw);
        if (!text.Contains('\\'))
        {
            return text;
        }

        var decoded = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                decoded.Append(text[i]);
                continue;
            }

            i++;
            if (text[i] == 'u')
            {
                decoded.Append((char)ushort.Parse(text.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 4;
                continue;
            }

            decoded.Append(text[i] switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', var same => same });
        }

        return decoded.ToString();
    }
}
