using System.Text.Json;
using Relay.Protocol;

namespace Relay.Chunks;

/// <summary>The entries of a chunk_announce.</summary>
internal static class ChunkEntries
{
    /// <summary>Of the ids of chunks and channels, in UTF-16 units.</summary>
    public const int MaxIdLength = 256;

    private const int MaxPerAnnounce = 100;

    /// <summary>Adds the ids in their order, or says what is wrong with the first entry that is.</summary>
    public static string? Read(JsonValue chunks, List<string> chunkIds)
    {
        switch (chunks.Count)
        {
            case 0:
                return "Missing or empty chunks array";
            case > MaxPerAnnounce:
                return "Too many chunks per announce (max 100)";
        }

        foreach (var (_, entry) in chunks.Members)
        {
            if (entry.ValueKind != JsonValueKind.Object || !TryRead(entry, "chunkId", out var chunkId) || chunkId is not { Length: > 0 })
            {
                return "Invalid chunk entry: chunkId must be a string up to 256 chars";
            }

            // Clients may send it; where a chunk is to be found does not depend on it.
            if (!TryRead(entry, "routingHash", out _))
            {
                return "Invalid chunk entry: routingHash must be a string up to 256 chars";
            }

            chunkIds.Add(chunkId);
        }

        return null;
    }

    /// <summary>False for what is no text, or one that is too long; nothing and null are no text but no error either.</summary>
    private static bool TryRead(JsonValue entry, string name, out string? text)
    {
        text = null;
        var value = entry.Field(name);
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return true;
        }

        text = value.Text;
        return text is { Length: <= MaxIdLength };
    }
}
