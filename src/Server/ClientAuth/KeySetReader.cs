using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Relay.ClientAuth;

/// <summary>Reads keys as people write them: a JSON Web Key Set or Key (RFC 7517), or public keys in PEM.</summary>
internal static class KeySetReader
{
    /// <summary>A longer text is not read.</summary>
    public const int MaxBytes = 256 * 1024;

    private const int MinRsaBits = 2048;
    private const int MinSecretBytes = 32;
    private const int Ed25519Bytes = 32;

    // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 section 4): always these bytes, and then the key.
    private static ReadOnlySpan<byte> Ed25519Prefix => [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

    /// <summary>Throws <see cref="InvalidDataException"/> with a sentence for the operator, which quotes nothing of the text.</summary>
    /// <param name="isPublished">From an address that anybody can read: secrets are skipped, and so are keys that are of no use here.</param>
    public static KeySet Read(ReadOnlySpan<byte> bytes, bool isPublished)
    {
        if (bytes.Length > MaxBytes)
        {
            throw new InvalidDataException($"more than {MaxBytes / 1024} KB");
        }

        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF').Trim();
            List<SigningKey> keys = text.StartsWith('{') ? ReadJson(text, isPublished) : !isPublished && text.StartsWith("-----BEGIN", StringComparison.Ordinal) ? ReadPem(text)
                : throw new InvalidDataException(isPublished ? "it is no JSON Web Key Set" : "it is neither a JSON Web Key Set nor public keys in PEM");
            return keys.Count switch
            {
                0 => throw new InvalidDataException("there is no key in it that is for signatures"),
                > KeySet.MaxKeys => throw new InvalidDataException($"{keys.Count} keys; at most {KeySet.MaxKeys}"),
                _ => new KeySet(keys),
            };
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or FormatException or CryptographicException or InvalidOperationException or KeyNotFoundException)
        {
            throw new InvalidDataException("a key in it is not well-formed", exception);
        }
    }

    private static List<SigningKey> ReadJson(string text, bool isPublished)
    {
        using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 16 });
        var root = document.RootElement;
        var keys = new List<SigningKey>();
        foreach (var key in root.TryGetProperty("keys", out var list) ? [.. list.EnumerateArray()] : new[] { root })
        {
            if (Text(key, "use") is null or "sig" && ReadKey(key, isPublished) is { } read)
            {
                keys.Add(read);
            }
        }

        return keys;
    }

    private static SigningKey? ReadKey(JsonElement key, bool isPublished)
    {
        SigningKey? read = (Text(key, "kty"), Text(key, "crv")) switch
        {
            ("RSA", _) => OfRsa(RSA.Create(new RSAParameters { Modulus = Bytes(key, "n"), Exponent = Bytes(key, "e") })),
            ("EC", "P-256") => OfEc(ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = Bytes(key, "x"), Y = Bytes(key, "y") } })),
            ("OKP", "Ed25519") => OfEd25519(Bytes(key, "x")),
            ("oct", _) when !isPublished => OfSecret(Bytes(key, "k")),
            _ when isPublished => null,
            (var type, var curve) => throw new InvalidDataException($"a key of the type {Named(type)} {Named(curve)} is of no use; RSA, EC P-256, OKP Ed25519 and oct are"),
        };
        if (read is null || (Text(key, "alg") is { } algorithm && algorithm != read.Algorithm))
        {
            return isPublished ? null : throw new InvalidDataException("a key is for another algorithm than RS256, ES256, EdDSA and HS256");
        }

        read.Key.KeyId = Text(key, "kid");
        return read;
    }

    private static List<SigningKey> ReadPem(string text)
    {
        var keys = new List<SigningKey>();
        var rest = text.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            if (rest[fields.Label] is not "PUBLIC KEY")
            {
                throw new InvalidDataException("only public keys (BEGIN PUBLIC KEY) are of use in PEM");
            }

            keys.Add(OfPublicKey(Convert.FromBase64String(rest[fields.Base64Data].ToString())));
            rest = rest[fields.Location.End..];
        }

        return keys;
    }

    private static SigningKey OfPublicKey(byte[] info)
    {
        if (info.AsSpan().StartsWith(Ed25519Prefix))
        {
            return OfEd25519(info[Ed25519Prefix.Length..]);
        }

        try
        {
            var rsa = RSA.Create();
            rsa.ImportSubjectPublicKeyInfo(info, out _);
            return OfRsa(rsa);
        }
        catch (CryptographicException)
        {
            var ec = ECDsa.Create();
            ec.ImportSubjectPublicKeyInfo(info, out _);
            return OfEc(ec);
        }
    }

    private static SigningKey OfRsa(RSA rsa) => rsa.KeySize >= MinRsaBits
        ? new SigningKey(new RsaSecurityKey(rsa), SecurityAlgorithms.RsaSha256)
        : throw new InvalidDataException($"an RSA key of {rsa.KeySize} bits; at least {MinRsaBits}");

    private static SigningKey OfEc(ECDsa key) => key.ExportParameters(false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value
        ? new SigningKey(new ECDsaSecurityKey(key), SecurityAlgorithms.EcdsaSha256)
        : throw new InvalidDataException("an EC key of another curve than P-256");

    private static SigningKey OfEd25519(byte[] key) => key.Length == Ed25519Bytes
        ? new SigningKey(new Ed25519Key(key), Ed25519Key.Algorithm)
        : throw new InvalidDataException($"an Ed25519 key of {key.Length} bytes; it has {Ed25519Bytes}");

    private static SigningKey OfSecret(byte[] secret) => secret.Length >= MinSecretBytes
        ? new SigningKey(new SymmetricSecurityKey(secret), SecurityAlgorithms.HmacSha256)
        : throw new InvalidDataException($"a secret of {secret.Length} bytes; at least {MinSecretBytes}");

    private static string? Text(JsonElement key, string name) => key.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static byte[] Bytes(JsonElement key, string name) => Base64Url.DecodeFromChars(key.GetProperty(name).GetString());

    private static string Named(string? text) => text is { Length: > 0 and < 20 } ? $"'{text}'" : "''";
}
