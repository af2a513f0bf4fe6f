using System.Text.Json;
using System.Text.Json.Serialization;

namespace Relay.Protocol;

/// <summary>
/// A JSON value that passes through as it came, byte for byte: a slice of a message that is still open, or text or UTF-8
/// that was kept. The default is null.
/// </summary>
[JsonConverter(typeof(RawJsonConverter))]
internal readonly struct RawJson
{
    private readonly string? _text;
    private readonly ReadOnlyMemory<byte> _utf8;

    /// <summary>Text that is known to be one JSON value.</summary>
    public RawJson(string json) => _text = json;

    /// <summary>Bytes that are known to be one JSON value.</summary>
    public RawJson(ReadOnlyMemory<byte> json) => _utf8 = json;

    public void WriteTo(Utf8JsonWriter writer)
    {
        if (_text is not null)
        {
            writer.WriteRawValue(_text, skipInputValidation: true);
        }
        else if (_utf8.IsEmpty)
        {
            writer.WriteNullValue();
        }
        else
        {
            writer.WriteRawValue(_utf8.Span, skipInputValidation: true);
        }
    }
}

/// <summary>Writes only: the server never reads these.</summary>
internal sealed class RawJsonConverter : JsonConverter<RawJson>
{
    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("Raw values are only written.");

    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) => value.WriteTo(writer);
}
