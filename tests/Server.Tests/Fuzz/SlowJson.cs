using System.Text;
using System.Text.Json;
using Relay.Protocol;

namespace Server.Tests.Fuzz;

/// <summary>What a client's message says by a slow reader of whole documents: the measure for the quick one.</summary>
internal static class SlowJson
{
    public static readonly JsonDocumentOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    /// <summary>The first difference between the two readers, or null; the kind is that of the message, Undefined where it is no JSON.</summary>
    public static string? FindDifference(byte[] json, IEnumerable<string> names, out JsonValueKind kind)
    {
        using var document = Parse(json);
        kind = document?.RootElement.ValueKind ?? JsonValueKind.Undefined;
        if (ClientMessage.TryParse(json, new FieldNames(names), out var message) != document is not null)
        {
            return $"the slow reader takes it for {kind}";
        }

        using (message)
        {
            return document is null ? null
                : message.Kind != kind ? $"it is {kind}, not {message.Kind}"
                : names.Select(name => FindDifference(message.Value(name), Field(document.RootElement, name), name)).FirstOrDefault(difference => difference is not null);
        }
    }

    private static string? FindDifference(JsonValue value, JsonElement expected, string name)
    {
        if (value.ValueKind != expected.ValueKind)
        {
            return $"{name} is {expected.ValueKind}, not {value.ValueKind}";
        }

        var raw = expected.ValueKind == JsonValueKind.Undefined ? "" : expected.GetRawText();
        var text = expected.ValueKind == JsonValueKind.String ? Say(expected.GetString) : null;
        var number = expected.ValueKind == JsonValueKind.Number ? expected.GetDouble() : (double?)null;
        return Encoding.UTF8.GetString(value.Raw.Span) != raw ? $"{name} is {raw}"
            : value.Text != text || value.IsText != text is not null ? $"{name} says {text ?? "nothing"}"
            : value.Number != number ? $"{name} is the number {number}"
            : expected.ValueKind is JsonValueKind.Array && value.Count != expected.GetArrayLength() ? $"{name} has {expected.GetArrayLength()} members"
            : null;
    }

    private static JsonElement Field(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject().LastOrDefault(field => Say(() => field.Name) == name).Value
            : default;

    // The slow reader throws where a text is not valid Unicode.
    private static string? Say(Func<string?> say)
    {
        try
        {
            return say();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonDocument? Parse(byte[] json)
    {
        try
        {
            return System.Text.Unicode.Utf8.IsValid(json) ? JsonDocument.Parse(json, AnyDepth) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
