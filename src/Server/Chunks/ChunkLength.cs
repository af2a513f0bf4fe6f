using System.Globalization;
using System.Text.Json;
using Relay.Protocol;

namespace Relay.Chunks;

/// <summary>How long a chunk is, as clients count it.</summary>
internal static class ChunkLength
{
    /// <summary>
    /// UTF-16 units of a JSON value: of a text, what it says; of any other value, its JSON without blanks and with no more
    /// escapes than are needed. Never more than it has bytes.
    /// </summary>
    public static int Of(JsonValue data) =>
        data.ValueKind == JsonValueKind.String ? data.TextLength : OfJson(data.Raw.Span);

    /// <summary>Whether bytes that come from elsewhere are one JSON value of at most this length.</summary>
    public static bool IsWithin(ReadOnlyMemory<byte> data, int maxLength) =>
        !data.IsEmpty && JsonText.IsJson(data.Span) && Of(new JsonValue(data.Span[0] == '"' ? JsonValueKind.String : JsonValueKind.Undefined, data)) <= maxLength;

    private static int OfJson(ReadOnlySpan<byte> json)
    {
        var length = 0;
        var inText = false;
        for (var i = 0; i < json.Length; i++)
        {
            var next = json[i];
            if (!inText || next == '"')
            {
                length += next is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' ? 0 : 1;
                inText ^= next == '"';
            }
            else if (next == '\\')
            {
                i += Escaped(json[(i + 1)..], out var unit);
                length += Spelled(unit);
            }
            else if ((next & 0xC0) != 0x80)
            {
                // The first byte of a character; those of four bytes are a pair.
                length += next >= 0xF0 ? 2 : 1;
            }
        }

        return length;
    }

    /// <summary>The unit that follows a backslash, and how many bytes say it.</summary>
    private static int Escaped(ReadOnlySpan<byte> json, out char unit)
    {
        if (json[0] == 'u')
        {
            unit = (char)ushort.Parse(json[1..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            return 5;
        }

        unit = json[0] switch
        {
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            (byte)'n' => '\n',
            (byte)'r' => '\r',
            (byte)'t' => '\t',
            var other => (char)other,
        };
        return 1;
    }

    private static int Spelled(char unit) => unit switch
    {
        '"' or '\\' or '\b' or '\f' or '\n' or '\r' or '\t' => 2,
        < ' ' => 6,
        _ => 1,
    };
}
