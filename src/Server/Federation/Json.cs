using System.Runtime.InteropServices;
using System.Text.Json;
using Relay.Federation.Gossip;
using Relay.Protocol;

namespace Relay.Federation;

/// <summary>Fields of other servers' JSON, in which a field of another type is the same as none. The text was valid UTF-8.</summary>
internal static class Json
{
    public static JsonElement Property(JsonElement owner, string name)
    {
        try
        {
            return owner.ValueKind == JsonValueKind.Object && owner.TryGetProperty(name, out var value) ? value : default;
        }
        catch (InvalidOperationException)
        {
            // Another name has half a surrogate pair as an escape, which the library refuses when it compares.
            return default;
        }
    }

    /// <summary>Empty when there is none, or when it is no valid Unicode.</summary>
    public static string Text(JsonElement owner, string name) =>
        Property(owner, name) is { ValueKind: JsonValueKind.String } value ? JsonText.Decode(JsonMarshal.GetRawUtf8Value(value)) ?? "" : "";

    /// <summary>0 when there is none, or when it is not a whole number from 0 to 2^53 - 1.</summary>
    public static long Number(JsonElement owner, string name) =>
        Property(owner, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) && number is >= 0 and <= GossipLimits.MaxIncarnation
            ? number
            : 0;

    /// <summary>The objects in a list, at most so many; none when it is no list.</summary>
    public static IEnumerable<JsonElement> Objects(JsonElement list, int max) =>
        list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().Where(element => element.ValueKind == JsonValueKind.Object).Take(max) : [];
}
