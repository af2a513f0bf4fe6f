using System.Text.Json;
using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;

namespace Relay.ClientAuth;

/// <summary>What the claims of a token, and the answer of a hook, say of a client: both have the same names.</summary>
internal static class AuthClaims
{
    /// <summary>Reads a JSON object. False: it is none, or one of its claims is not what it must be.</summary>
    /// <param name="perSubject">The limit of a subject that has none of its own; 0: no limit.</param>
    public static bool TryRead(ReadOnlyMemory<byte> json, int perSubject, out Subject? subject)
    {
        subject = null;
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
            return document.RootElement.ValueKind == JsonValueKind.Object && TryRead(document.RootElement, perSubject, out subject);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or a text that is not Unicode.
            return false;
        }
    }

    private static bool TryRead(JsonElement claims, int perSubject, out Subject? subject)
    {
        subject = null;
        var limit = perSubject;
        if (IsThere(claims, "max_connections", out var ownLimit)
            && !(ownLimit.ValueKind == JsonValueKind.Number && ownLimit.TryGetInt32(out limit) && limit is >= 1 and <= AdmissionOptions.MaxLimit))
        {
            return false;
        }

        if (IsThere(claims, "unlimited", out var unlimited) && unlimited.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            return false;
        }

        if (!IsThere(claims, "sub", out var name))
        {
            // Whom else would his limits be counted by?
            return ownLimit.ValueKind == JsonValueKind.Undefined && unlimited.ValueKind != JsonValueKind.True;
        }

        if (name.ValueKind != JsonValueKind.String || name.GetString() is not { } text || SubjectName.Check(text) is not null)
        {
            return false;
        }

        subject = new Subject(text, limit, unlimited.ValueKind == JsonValueKind.True);
        return true;
    }

    private static bool IsThere(JsonElement claims, string name, out JsonElement value) => claims.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
}
