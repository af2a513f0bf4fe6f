using System.Text.Json;
using Relay.Protocol;

namespace Relay.Attestation;

/// <summary>A client's build token: base64 of JSON that names, among other things, the version it was signed for.</summary>
internal static class BuildToken
{
    public const int MaxLength = 4096;
    private const int MaxVersionLength = 128;

    private static readonly FieldNames Fields = new("version", "payload");

    /// <summary>
    /// The version that the token names itself or in the signed text "payload"; null when there is none to be found. Only a
    /// claim: the authority knows whether it is signed.
    /// </summary>
    public static string? Version(string token)
    {
        var bytes = new byte[MaxLength];
        return token.Length <= MaxLength && Convert.TryFromBase64String(token, bytes, out var length)
            ? Version(bytes.AsMemory(0, length), mayNest: true)
            : null;
    }

    private static string? Version(ReadOnlyMemory<byte> json, bool mayNest)
    {
        if (!ClientMessage.TryParse(json, Fields, out var token))
        {
            return null;
        }

        using (token)
        {
            return token.Kind != JsonValueKind.Object ? null
                : token.Text("version") is { Length: > 0 and <= MaxVersionLength } version ? version
                : mayNest && token.Text("payload") is { } payload ? Version(System.Text.Encoding.UTF8.GetBytes(payload), mayNest: false)
                : null;
        }
    }
}
