using System.Buffers;

namespace Relay.Signaling;

/// <summary>The formats of a pairing code and of the key that comes with it.</summary>
internal static class PairingCode
{
    /// <summary>The longest JSON that spells a code, without its quotes.</summary>
    public const int MaxSpelledLength = 6 * Length;

    private const int Length = 6;

    // Without I, O, 0 and 1, which people confuse: 32 symbols, 2^30 codes.
    private static readonly SearchValues<char> Alphabet = SearchValues.Create("ABCDEFGHJKLMNPQRSTUVWXYZ23456789");

    private static readonly SearchValues<char> Base64Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    public static bool IsValid(ReadOnlySpan<char> text) => text.Length == Length && !text.ContainsAnyExcept(Alphabet);

    /// <summary>Null for 32 bytes in base64 (X25519, RFC 7748), else the error's text. Missing padding is forgiven, as the clients' decoders do.</summary>
    public static string? CheckKey(string key)
    {
        if (key.Length == 0)
        {
            return "Missing required field: publicKey";
        }

        var digits = key.AsSpan().TrimEnd('=');
        if (digits.IsEmpty || digits.ContainsAnyExcept(Base64Alphabet))
        {
            return "Invalid public key format";
        }

        return digits.Length * 6L / 8 == 32 ? null : "Invalid public key length";
    }
}
