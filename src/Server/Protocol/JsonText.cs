using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Relay.Protocol;

/// <summary>
/// What a JSON string says, from its bytes with the quotes. JSON can spell half a surrogate pair (\ud800), which is no
/// Unicode text: such a string passes through, but says nothing.
/// </summary>
internal static class JsonText
{
    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    /// <summary>Whether bytes are one JSON value, however deep, in valid UTF-8.</summary>
    public static bool IsJson(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(json, AnyDepth);
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The text, or null when it is not valid Unicode.</summary>
    public static string? Decode(ReadOnlySpan<byte> quoted)
    {
        if (!IsValid(quoted))
        {
            return null;
        }

        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        return reader.GetString();
    }

    /// <summary>True when the string says this ASCII text, however it is spelled.</summary>
    public static bool Is(ReadOnlySpan<byte> quoted, string ascii)
    {
        var spelled = quoted[1..^1];
        if (!spelled.Contains((byte)'\\'))
        {
            return Ascii.Equals(spelled, ascii);
        }

        // No escape is longer than six bytes: a longer string says something else, and is not looked at.
        if (spelled.Length > 6 * ascii.Length || !IsValid(quoted))
        {
            return false;
        }

        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        return reader.ValueTextEquals(ascii);
    }

    /// <summary>
    /// Copies what a valid string says, however it is spelled. False when that is not ASCII, or may not fit: an escape has
    /// six bytes.
    /// </summary>
    public static bool TryCopyAscii(ReadOnlySpan<byte> quoted, Span<char> target, out int length)
    {
        var spelled = quoted[1..^1];
        length = 0;
        if (spelled.Length > target.Length)
        {
            return false;
        }

        if (!spelled.Contains((byte)'\\'))
        {
            return Ascii.ToUtf16(spelled, target, out length) == OperationStatus.Done;
        }

        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        length = reader.CopyString(target);
        return Ascii.IsValid(target[..length]);
    }

    /// <summary>False when an escape spells half a surrogate pair.</summary>
    public static bool IsValid(ReadOnlySpan<byte> quoted)
    {
        var rest = quoted;
        for (int escape; (escape = rest.IndexOf((byte)'\\')) >= 0;)
        {
            rest = rest[escape..];
            var unit = Unit(rest);
            if (char.IsLowSurrogate(unit) || (char.IsHighSurrogate(unit) && !char.IsLowSurrogate(Unit(rest[6..]))))
            {
                return false;
            }

            rest = rest[(char.IsHighSurrogate(unit) ? 12 : rest[1] == 'u' ? 6 : 2)..];
        }

        return true;
    }

    /// <summary>The string's length in UTF-16 units, found without building it.</summary>
    public static int Length(ReadOnlySpan<byte> quoted)
    {
        var rest = quoted[1..^1];
        var length = Encoding.UTF8.GetCharCount(rest);

        // An escape is one unit: of \n one character was counted too many, of \u00e4 five.
        for (int escape; (escape = rest.IndexOf((byte)'\\')) >= 0; rest = rest[(escape + 2)..])
        {
            length -= rest[escape + 1] == 'u' ? 5 : 1;
        }

        return length;
    }

    // The UTF-16 unit of a \u escape at the beginning; for any other text 0, which is no surrogate.
    private static char Unit(ReadOnlySpan<byte> text) =>
        text.StartsWith("\\u"u8) ? (char)ushort.Parse(text[2..6], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : '\0';
}
