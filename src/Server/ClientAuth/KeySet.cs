using Microsoft.IdentityModel.Tokens;

namespace Relay.ClientAuth;

/// <summary>A key that signs tokens, with the one algorithm that it may be used with: a token cannot choose another.</summary>
internal sealed record SigningKey(SecurityKey Key, string Algorithm)
{
    /// <summary>Null: it has no name.</summary>
    public string? Id => Key.KeyId is { Length: > 0 } id ? id : null;
}

/// <summary>The keys that tokens may be signed with. Immutable, replaced whole.</summary>
internal sealed class KeySet(IReadOnlyList<SigningKey> keys)
{
    /// <summary>More keys are an error: a token that names none is tried with each.</summary>
    public const int MaxKeys = 32;

    public static readonly KeySet Empty = new([]);

    public int Count => keys.Count;

    /// <summary>The algorithms that the keys are for.</summary>
    public IEnumerable<string> Algorithms => keys.Select(key => key.Algorithm).Distinct();

    /// <summary>The keys that may have signed a token with this header; none: the one that has is not here.</summary>
    /// <param name="id">The name that the token gives to its key; null: none.</param>
    public IReadOnlyList<SecurityKey> For(string algorithm, string? id) =>
        [.. from key in keys
            where key.Algorithm == algorithm && (id is null || key.Id is null || key.Id == id)
            select key.Key];
}
