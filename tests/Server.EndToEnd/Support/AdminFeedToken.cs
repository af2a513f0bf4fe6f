using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Relay.EndToEnd.Support;

/// <summary>A token of an admin page as its maker signs it, by RFC 7519 and not by the library that the relay reads it with.</summary>
internal static class AdminFeedToken
{
    public const string Secret = "a secret of more than thirty-two bytes";

    public static string Sign(
        DateTimeOffset issued, DateTimeOffset? expires, DateTimeOffset? notBefore = null, string secret = Secret, string algorithm = "HS256", string name = "kay")
    {
        var claims = new JsonObject { ["sub"] = "1", ["username"] = name, ["role"] = "admin", ["iat"] = issued.ToUnixTimeSeconds() };
        if (expires is { } end)
        {
            claims["exp"] = end.ToUnixTimeSeconds();
        }

        if (notBefore is { } begin)
        {
            claims["nbf"] = begin.ToUnixTimeSeconds();
        }

        var signed = $"{Encode(new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT" })}.{Encode(claims)}";
        var (key, bytes) = (Encoding.UTF8.GetBytes(secret), Encoding.ASCII.GetBytes(signed));
        return $"{signed}." + algorithm switch
        {
            "none" => "",
            "HS512" => Base64Url.EncodeToString(HMACSHA512.HashData(key, bytes)),
            _ => Base64Url.EncodeToString(HMACSHA256.HashData(key, bytes)),
        };
    }

    private static string Encode(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));
}
