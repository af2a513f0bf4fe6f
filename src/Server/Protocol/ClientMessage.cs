using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Relay.Protocol;

/// <summary>
/// A client's message as an index over its bytes: fields are found when asked for, a payload is a slice and never becomes
/// objects. Of a key given twice the last counts. Valid only until it is disposed.
/// </summary>
internal readonly struct ClientMessage(JsonDocument document) : IDisposable
{
    // Deeper JSON than this is refused as malformed; session descriptions are a handful of levels deep.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64 };

    private readonly JsonDocument _document = document;

    public JsonElement Root => _document.RootElement;

    /// <summary>False when the bytes are not one JSON value in UTF-8.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, out ClientMessage message)
    {
        // A text frame's bytes were checked by the WebSocket, a binary frame's were not.
        if (System.Text.Unicode.Utf8.IsValid(bytes.Span))
        {
            try
            {
                message = new ClientMessage(JsonDocument.Parse(bytes, Options));
                return true;
            }
            catch (JsonException)
            {
                // A client's error: the caller answers it.
            }
        }

        message = default;
        return false;
    }

    public bool Has(string name) => Root.TryGetProperty(name, out _);

    public bool IsString(string name) =>
        Root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String;

    /// <summary>The field's text, or null when it is absent or no string.</summary>
    public string? Text(string name) =>
        Root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? Text(value) : null;

    public bool IsTrue(string name) => Root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    /// <summary>The field's number, or null when it is absent or no JSON number; one that is too great is infinite. Never negative zero.</summary>
    public double? Number(string name) =>
        Root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() + 0.0 : null;

    /// <summary>The field's bytes as they came, empty when it is absent.</summary>
    public ReadOnlySpan<byte> Raw(string name) =>
        Root.TryGetProperty(name, out var value) ? JsonMarshal.GetRawUtf8Value(value) : [];

    /// <summary>The field's value, of kind Undefined when it is absent.</summary>
    public JsonElement Value(string name) => Root.TryGetProperty(name, out var value) ? value : default;

    /// <summary>True when the field is there, and neither null nor an empty text.</summary>
    public bool HasContent(string name) => Value(name) switch
    {
        { ValueKind: JsonValueKind.Undefined or JsonValueKind.Null } => false,
        { ValueKind: JsonValueKind.String } text => JsonMarshal.GetRawUtf8Value(text).Length > 2,
        _ => true,
    };

    /// <summary>
    /// A name that people see: trimmed and cut to 128 UTF-16 units without splitting a pair; null when absent, empty or no
    /// string.
    /// </summary>
    public string? DisplayText(string name)
    {
        const int Max = 128;
        var text = Text(name)?.Trim();
        if (text is { Length: > Max })
        {
            text = char.IsHighSurrogate(text[Max - 1]) ? text[..(Max - 1)] : text[..Max];
        }

        return string.IsNullOrEmpty(text) ? null : text;
    }

    public void Dispose() => _document?.Dispose();

    /// <summary>A string's text. Half a surrogate pair, which JSON can spell and UTF-8 cannot, makes it U+FFFD.</summary>
    public static string Text(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Rune.ReplacementChar.ToString();
        }
    }

    /// <summary>A field's name, the same way.</summary>
    public static string Name(JsonProperty field)
    {
        try
        {
            return field.Name;
        }
        catch (InvalidOperationException)
        {
            return Rune.ReplacementChar.ToString();
        }
    }

    /// <summary>A string's length in UTF-16 units, found without building it.</summary>
    public static int LengthOf(JsonElement text)
    {
        var raw = JsonMarshal.GetRawUtf8Value(text)[1..^1];
        var length = Encoding.UTF8.GetCharCount(raw);

        // An escape is one unit: of \n one character was counted too many, of \u00e4 five.
        for (int escape; (escape = raw.IndexOf((byte)'\\')) >= 0; raw = raw[(escape + 2)..])
        {
            length -= raw[escape + 1] == 'u' ? 5 : 1;
        }

        return length;
    }
}
