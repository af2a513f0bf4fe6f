using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Relay.Identity;

namespace Relay.EndToEnd.Support;

/// <summary>Signs tokens as an identity provider would, right ones and wrong ones, with one key of each algorithm.</summary>
internal sealed class TokenIssuer : IDisposable
{
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly NSec.Cryptography.Key _ed25519 = Ed25519.ImportSeed(RandomNumberGenerator.GetBytes(32));

    public TokenIssuer(string name = "1") => Name = name;

    /// <summary>The keys are named by this and their algorithm.</summary>
    public string Name { get; }

    /// <summary>Its keys, as a JSON Web Key Set.</summary>
    public string KeySet => SetOf(["HS256", "RS256", "ES256", "EdDSA"]);

    /// <summary>The keys that others may see.</summary>
    public string PublicKeySet => SetOf(["RS256", "ES256", "EdDSA"]);

    public string Pem => $"{_rsa.ExportSubjectPublicKeyInfoPem()}\n{_ec.ExportSubjectPublicKeyInfoPem()}\n"
        + PemEncoding.WriteString("PUBLIC KEY", _ed25519.PublicKey.Export(NSec.Cryptography.KeyBlobFormat.PkixPublicKey));

    public string RsaPublicPem => _rsa.ExportSubjectPublicKeyInfoPem();

    /// <summary>A valid token of this subject for an hour.</summary>
    public string Token(string subject, string algorithm = "ES256", string more = "") =>
        Sign(algorithm, $$"""{"sub":"{{subject}}",{{more}}"exp":{{Seconds(3600)}}}""");

    /// <summary>A token with these claims, and with a name of its key unless <paramref name="keyId"/> is empty.</summary>
    public string Sign(string algorithm, string claims, string? keyId = null)
    {
        var id = keyId ?? $"{Name}-{algorithm}";
        var header = id.Length == 0 ? $$"""{"alg":"{{algorithm}}","typ":"JWT"}""" : $$"""{"alg":"{{algorithm}}","kid":"{{id}}"}""";
        var signed = $"{Encode(header)}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(Signature(algorithm, Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>A token whose header says HS256, signed with what anybody can see: the text of the public key.</summary>
    public string SignWithPublicKey(string claims)
    {
        var signed = $"{Encode($$"""{"alg":"HS256","kid":"{{Name}}-RS256"}""")}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.ASCII.GetBytes(RsaPublicPem), Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>Now and so many seconds, as in a claim.</summary>
    public static long Seconds(int fromNow) => DateTimeOffset.UtcNow.ToUnixTimeSeconds() + fromNow;

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public void Dispose()
    {
        _rsa.Dispose();
        _ec.Dispose();
        _ed25519.Dispose();
    }

    private byte[] Signature(string algorithm, byte[] data) => algorithm switch
    {
        "HS256" => HMACSHA256.HashData(_secret, data),
        "RS256" => _rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        "RS512" => _rsa.SignData(data, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
        "ES256" => _ec.SignData(data, HashAlgorithmName.SHA256),
        "EdDSA" => Ed25519.Sign(_ed25519, data),
        _ => [],
    };

    private string SetOf(string[] algorithms) => $$"""{"keys":[{{string.Join(',', algorithms.Select(Jwk))}}]}""";

    private string Jwk(string algorithm)
    {
        var (rsa, ec) = (_rsa.ExportParameters(false), _ec.ExportParameters(false));
        var key = algorithm switch
        {
            "HS256" => $$"""{"kty":"oct","k":"{{Base64Url.EncodeToString(_secret)}}",""",
            "RS256" => $$"""{"kty":"RSA","use":"sig","n":"{{Base64Url.EncodeToString(rsa.Modulus)}}","e":"{{Base64Url.EncodeToString(rsa.Exponent)}}",""",
            "ES256" => $$"""{"kty":"EC","crv":"P-256","x":"{{Base64Url.EncodeToString(ec.Q.X)}}","y":"{{Base64Url.EncodeToString(ec.Q.Y)}}",""",
            _ => $$"""{"kty":"OKP","crv":"Ed25519","x":"{{Base64Url.EncodeToString(Ed25519.PublicKeyOf(_ed25519))}}",""",
        };
        return $$"""{{key}}"alg":"{{algorithm}}","kid":"{{Name}}-{{algorithm}}"}""";
    }
}
