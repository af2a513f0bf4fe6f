using System.Text.Json;
using System.Text.Unicode;
using Relay.Federation.Gossip;
using Relay.Identity;

namespace Relay.Federation.Bootstrap;

/// <summary>A server that a registry names. It is dialled, and nothing of this is believed before it answers.</summary>
internal sealed record BootstrapServer(string ServerId, string Endpoint);

/// <summary>Reads what a registry answers. Pure; safe from any thread.</summary>
internal static class BootstrapList
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 8 };

    /// <summary>How old a signed list may be: an old one could be shown for ever.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);

    /// <summary>The public key in a setting, base64 of 32 bytes with or without padding, standard or for URLs; null: it is none.</summary>
    public static byte[]? ReadKey(string text)
    {
        var standard = text.Trim().TrimEnd('=').Replace('-', '+').Replace('_', '/');
        var key = new byte[ServerId.KeyBytes];
        return Convert.TryFromBase64String(standard.PadRight((standard.Length + 3) / 4 * 4, '='), key, out var length) && length == key.Length ? key : null;
    }

    /// <summary>True when the list was signed with this key within the last minutes.</summary>
    /// <param name="signature">The header X-Bootstrap-Signature; null: there was none.</param>
    public static bool IsSigned(ReadOnlySpan<byte> body, string? signature, byte[] key, DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[Ed25519.SignatureBytes];
        if (signature is null
            || !Convert.TryFromBase64String(signature.Trim(), bytes, out var length)
            || length != bytes.Length
            || !Ed25519.Verify(key, body, bytes))
        {
            return false;
        }

        using var document = Parse(body);
        return document is not null
            && Json.Number(document.RootElement, "timestamp") is var signedAt
            && Math.Abs((double)signedAt - now.ToUnixTimeMilliseconds()) <= MaxAge.TotalMilliseconds;
    }

    /// <summary>The other servers in an answer; null when it is none of a registry.</summary>
    /// <param name="property">"servers" in a list, "peers" in the answer to a heartbeat.</param>
    public static IReadOnlyList<BootstrapServer>? Read(ReadOnlySpan<byte> body, string property, string ownServerId)
    {
        using var document = Parse(body);
        if (document is null || Json.Property(document.RootElement, property) is not { ValueKind: JsonValueKind.Array } list)
        {
            return null;
        }

        return
        [
            .. from entry in Json.Objects(list, GossipLimits.MaxMembers)
               let id = Hearsay.Read(Json.Text(entry, "serverId"))
               let endpoint = Json.Text(entry, "endpoint")
               where id is not null && id != ownServerId && endpoint.Length is > 0 and <= EndpointRule.MaxChars
               select new BootstrapServer(id, endpoint),
        ];
    }

    private static JsonDocument? Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            return Utf8.IsValid(body) ? JsonDocument.Parse(body.ToArray(), Options) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
