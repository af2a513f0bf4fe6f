using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Relay.AdminAuth;

/// <summary>A token that was valid when it was shown.</summary>
/// <param name="Key">What it is signed with.</param>
/// <param name="Expires">Null: it lasts as long as the key.</param>
internal readonly record struct AdminFeedToken(AdminFeedKey Key, DateTimeOffset? Expires);

/// <summary>
/// The tokens of admin pages: JWTs that somebody else signs with a secret that the relay has too (HS256). What they claim beside their time is not read: the
/// feed that they open only shows.
/// </summary>
internal sealed class AdminFeedTokens(AdminOptions options, TimeProvider time)
{
    /// <summary>Of UTF-8: as much as the hash has.</summary>
    public const int MinSecretBytes = 32;

    private const int MaxTokenBytes = 4096;

    // Whose clock is a little ahead of ours.
    private static readonly TimeSpan Leeway = TimeSpan.FromMinutes(1);

    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = MaxTokenBytes };

    // Replaced whole with the secret.
    private volatile AdminFeedKey? _key;

    /// <summary>There is a secret.</summary>
    public bool IsOn => options.JwtSecret.Length > 0;

    /// <summary>The token that a text is; null: none that is valid now.</summary>
    public async ValueTask<AdminFeedToken?> FindAsync(string text)
    {
        var secret = options.JwtSecret;
        if (secret.Length == 0)
        {
            return null;
        }

        var key = _key;
        if (key?.Secret != secret)
        {
            _key = key = new AdminFeedKey(secret, IsOfItsTime);
        }

        var result = await _handler.ValidateTokenAsync(text, key.Parameters);
        return result is { IsValid: true, SecurityToken: JsonWebToken token } ? new AdminFeedToken(key, Expiry(token)) : null;
    }

    /// <summary>Whether it has not expired, and the secret is the same.</summary>
    public bool IsStillValid(in AdminFeedToken token) => token.Key.Secret == options.JwtSecret && !(token.Expires <= time.GetUtcNow());

    // ValidTo is the least there is where there is no "exp".
    private static DateTimeOffset? Expiry(JsonWebToken token) => token.ValidTo == DateTime.MinValue ? null : new DateTimeOffset(token.ValidTo, TimeSpan.Zero);

    private bool IsOfItsTime(DateTime? notBefore, DateTime? expires)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return !(notBefore > now + Leeway) && !(expires <= now);
    }
}

/// <summary>A secret, and how tokens are checked with it.</summary>
/// <param name="secret">Of the options.</param>
/// <param name="isOfItsTime">Whether a token is valid now that begins, and ends, then.</param>
internal sealed class AdminFeedKey(string secret, Func<DateTime?, DateTime?, bool> isOfItsTime)
{
    public string Secret => secret;

    public TokenValidationParameters Parameters { get; } = new()
    {
        IssuerSigningKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(secret)),
        ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
        ValidateIssuer = false,
        ValidateAudience = false,
        RequireExpirationTime = false,
        LifetimeValidator = (notBefore, expires, _, _) => isOfItsTime(notBefore, expires),
    };
}
