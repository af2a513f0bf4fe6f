using System.Text.Json;
using Relay.Protocol;

namespace Relay.Rendezvous;

/// <summary>The fields of register_rendezvous. Each point has its dead drop, or ""; nothing is given twice.</summary>
internal sealed record RendezvousRequest(string RelayId, IReadOnlyList<(string Hash, string Drop)> Points, IReadOnlyList<string> Tokens)
{
    /// <summary>Of points, tokens and relay ids, in UTF-16 units.</summary>
    public const int MaxText = 128;

    private const int MaxItems = 50;
    private const int MaxDrop = 4096;

    /// <summary>Checks the fields in the order of docs/protocol.md. Returns null, or the error's text.</summary>
    public static string? TryRead(in ClientMessage message, out RendezvousRequest request)
    {
        request = null!;
        var points = First(message, "dailyPoints", "daily_points");
        var tokens = First(message, "hourlyTokens", "hourly_tokens");
        if (!IsList(points))
        {
            return "Too many daily points (max 50)";
        }

        if (!IsList(tokens))
        {
            return "Too many hourly tokens (max 50)";
        }

        if (Texts(points) is not { } pointTexts)
        {
            return "Invalid daily points format";
        }

        if (Texts(tokens) is not { } tokenTexts)
        {
            return "Invalid hourly tokens format";
        }

        var relayId = message.Text("relayId") ?? "";
        if (relayId.Length > MaxText)
        {
            return "Invalid relayId";
        }

        var error = ReadDrops(message, pointTexts, out var drops);
        request = new RendezvousRequest(relayId, [.. pointTexts.Select(point => (point, drops.GetValueOrDefault(point, "")))], [.. tokenTexts]);
        return error;
    }

    private static string? ReadDrops(in ClientMessage message, IEnumerable<string> points, out Dictionary<string, string> drops)
    {
        drops = new Dictionary<string, string>(StringComparer.Ordinal);
        var given = First(message, "dead_drops", "deadDrops");
        if (IsAbsent(given))
        {
            // The older form: one drop for all points.
            var one = message.Value("deadDrop");
            if (IsAbsent(one))
            {
                return null;
            }

            if (Drop(one) is not { } text)
            {
                return "Dead drop payload too large (max 4KB)";
            }

            drops = points.ToDictionary(point => point, _ => text, StringComparer.Ordinal);
            return null;
        }

        if (given.ValueKind != JsonValueKind.Object || !TryIndex(given, out var fields, out var isNamed))
        {
            return "Too many dead drops";
        }

        if (!isNamed)
        {
            return "Invalid dead drop key";
        }

        foreach (var (point, value) in fields)
        {
            if (point.Length > MaxText)
            {
                return "Invalid dead drop key";
            }

            if (Drop(value) is not { } text)
            {
                return "Dead drop payload too large (max 4KB)";
            }

            drops[point] = text;
        }

        return null;
    }

    /// <summary>The object's fields, of a name given twice the last; false when there are too many. A name that is not valid Unicode is none.</summary>
    private static bool TryIndex(JsonValue value, out Dictionary<string, JsonValue> fields, out bool isNamed)
    {
        isNamed = true;
        fields = new Dictionary<string, JsonValue>(StringComparer.Ordinal);
        foreach (var (name, field) in value.Members)
        {
            if (JsonText.Decode(name.Span) is not { } point)
            {
                isNamed = false;
                continue;
            }

            fields[point] = field;
            if (fields.Count > MaxItems)
            {
                return false;
            }
        }

        return true;
    }

    private static string? Drop(JsonValue value) =>
        value.Text is { Length: <= MaxDrop } text ? text : null;

    /// <summary>The texts without repetition, in their order; null when one is no text or too long.</summary>
    private static List<string>? Texts(JsonValue list)
    {
        if (IsAbsent(list))
        {
            return [];
        }

        var texts = new List<string>();
        foreach (var (_, element) in list.Members)
        {
            if (element.Text is not { Length: <= MaxText } text)
            {
                return null;
            }

            texts.Add(text);
        }

        return [.. texts.Distinct(StringComparer.Ordinal)];
    }

    private static bool IsList(JsonValue value) =>
        IsAbsent(value) || (value.ValueKind == JsonValueKind.Array && value.Count <= MaxItems);

    // Both spellings are in use; the first that is there counts.
    private static JsonValue First(in ClientMessage message, string name, string orName) =>
        message.Value(name) is var value && IsAbsent(value) ? message.Value(orName) : value;

    private static bool IsAbsent(JsonValue value) => value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;
}
