using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Relay.Protocol;

/// <summary>Records to bytes. Compact JSON, with nothing escaped that JSON does not ask for.</summary>
internal static class MessageWriter
{
    private static readonly JsonWriterOptions Options = new()
    {
        // The text goes into a WebSocket frame, never into HTML.
        Encoder = MinimalJsonEncoder.Instance,
        SkipValidation = true,
    };

    [ThreadStatic]
    private static RentedWriter? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _json;

    public static EncodedMessage Write<T>(T message, JsonTypeInfo<T> type)
    {
        var buffer = _buffer ??= new RentedWriter();
        var json = _json ??= new Utf8JsonWriter(buffer, Options);
        json.Reset(buffer);
        try
        {
            JsonSerializer.Serialize(json, message, type);
            json.Flush();
            return buffer.Detach();
        }
        finally
        {
            buffer.Clear();
        }
    }

    public static EncodedMessage Error(string text) => Write(new ErrorMessage(text), ServerJson.Default.ErrorMessage);

    /// <summary>
    /// A message that is passed on between two clients: <c>{"type":…,"from":…,"payload":…}</c> with the payload byte for
    /// byte as it came; no payload, no key.
    /// </summary>
    public static EncodedMessage Forward(string type, string fromCode, ReadOnlySpan<byte> payload, long receivedAt)
    {
        var buffer = _buffer ??= new RentedWriter();
        buffer.GetSpan(64 + type.Length + fromCode.Length + payload.Length);
        buffer.Write("{\"type\":\""u8);
        WriteAscii(buffer, type);
        buffer.Write("\",\"from\":\""u8);
        WriteAscii(buffer, fromCode);
        buffer.Write("\""u8);
        if (!payload.IsEmpty)
        {
            buffer.Write(",\"payload\":"u8);
            buffer.Write(payload);
        }

        buffer.Write("}"u8);
        return buffer.Detach(receivedAt);
    }

    /// <summary>
    /// A frame of a stream for its subscribers, all three values byte for byte as they came: they are JSON already, and a
    /// frame is passed on without being read.
    /// </summary>
    public static EncodedMessage StreamFrame(
        ReadOnlySpan<byte> streamId, ReadOnlySpan<byte> channelId, ReadOnlySpan<byte> frame, long receivedAt)
    {
        var buffer = _buffer ??= new RentedWriter();
        buffer.GetSpan(64 + streamId.Length + channelId.Length + frame.Length);
        buffer.Write("{\"type\":\"stream-frame\",\"streamId\":"u8);
        buffer.Write(streamId);
        buffer.Write(",\"channelId\":"u8);
        buffer.Write(channelId);
        buffer.Write(",\"frame\":"u8);
        buffer.Write(frame);
        buffer.Write("}"u8);
        return buffer.Detach(receivedAt);
    }

    // Types and pairing codes have only letters, digits, '_' and '-'.
    private static void WriteAscii(RentedWriter buffer, string text) =>
        buffer.Advance(Encoding.ASCII.GetBytes(text, buffer.GetSpan(text.Length)));
}
