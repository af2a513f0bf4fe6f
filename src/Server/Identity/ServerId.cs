using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace Relay.Identity;

/// <summary>The two names derived from a server's public key: its id, and its node id among other servers.</summary>
internal static class ServerId
{
    public const int KeyBytes = 32;

    private const string Prefix = "ed25519:";
    private const int NodeBytes = 20;

    // 32 bytes in base64 without padding, and with it.
    private const int ShortestText = 43;
    private const int MaxText = 44;

    /// <summary>Reads an id. The key may be in base64url or, as some servers write it, in standard base64.</summary>
    public static bool TryParse(string? text, out byte[] key)
    {
        key = [];
        if (text is null || !text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        var encoded = text[Prefix.Length..];
        if (encoded.Length is < ShortestText or > MaxText)
        {
            return false;
        }

        var url = encoded.TrimEnd('=').Replace('+', '-').Replace('/', '_');
        Span<byte> decoded = stackalloc byte[MaxText];
        if (Base64Url.DecodeFromChars(url, decoded, out _, out var length) != OperationStatus.Done || length != KeyBytes)
        {
            return false;
        }

        // One key, one text: blanks, or bits that no byte uses, would give one server several ids.
        if (Base64Url.EncodeToString(decoded[..length]) != url)
        {
            return false;
        }

        key = decoded[..length].ToArray();
        return true;
    }

    public static string Format(ReadOnlySpan<byte> key) => Prefix + Base64Url.EncodeToString(key);

    /// <summary>Lower-case hex of the first 20 bytes of the key's SHA-256.</summary>
    public static string NodeId(ReadOnlySpan<byte> key) => Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, NodeBytes));
}
