using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Relay.Admission;

namespace Relay.ClientAuth;

/// <summary>Whether a JSON Web Token (RFC 7519) is valid now. Only what the keys are for is accepted: a token does not choose how it is checked.</summary>
internal sealed class TokenVerifier(ClientAuthOptions options, TimeProvider time)
{
    // Clocks of two machines differ.
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    private readonly JsonWebTokenHandler _handler = new();

    /// <summary>Null: it is signed with a key that is not among these, if with any.</summary>
    public async ValueTask<Credential?> VerifyAsync(string token, KeySet keys)
    {
        try
        {
            // Three parts: an encrypted token has five, and is of no use here.
            if (token.Count(letter => letter == '.') != 2)
            {
                return Credential.Unauthorized;
            }

            var parsed = new JsonWebToken(token);
            // RFC 7515 section 4.1.11: what a token calls critical must be understood, and nothing of it is here.
            if (!keys.Algorithms.Contains(parsed.Alg, StringComparer.Ordinal) || parsed.TryGetHeaderValue<object>("crit", out _))
            {
                return Credential.Unauthorized;
            }

            var candidates = keys.For(parsed.Alg, parsed.Kid is { Length: > 0 } id ? id : null);
            if (candidates.Count == 0)
            {
                return null;
            }

            // It waits for nothing: keys and issuer are given.
            var result = await _handler.ValidateTokenAsync(parsed, Parameters(parsed.Alg, candidates));
            return result.IsValid && AuthClaims.TryRead(Base64Url.DecodeFromChars(parsed.EncodedPayload), options.PerSubject, out var subject)
                ? new Credential(Refusal.None, subject)
                : Credential.Unauthorized;
        }
        catch (Exception exception) when (exception is ArgumentException or SecurityTokenException or JsonException or FormatException or CryptographicException or InvalidOperationException or OverflowException)
        {
            // It is no token. What exactly is wrong with it is the client's affair, and may quote it.
            return Credential.Unauthorized;
        }
    }

    private TokenValidationParameters Parameters(string algorithm, IReadOnlyList<SecurityKey> keys) => new()
    {
        IssuerSigningKeys = keys,
        TryAllIssuerSigningKeys = true,
        ValidAlgorithms = [algorithm],
        ValidateIssuer = options.Issuer.Length > 0,
        ValidIssuer = options.Issuer,
        ValidateAudience = options.Audience.Length > 0,
        ValidAudience = options.Audience,
        RequireExpirationTime = true,
        LifetimeValidator = (notBefore, expires, _, _) =>
        {
            var now = time.GetUtcNow().UtcDateTime;
            return expires is { } end && now - ClockSkew <= end && (notBefore is not { } start || start <= now + ClockSkew);
        },
    };
}
