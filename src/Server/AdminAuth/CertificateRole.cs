using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Relay.AdminAuth;

/// <summary>One entry of Admin:ClientRoles: a common name or a fingerprint, and the role of who has such a certificate.</summary>
internal sealed record CertificateRole(string? CommonName, string? Fingerprint, AdminRole Role)
{
    private const string CommonNamePrefix = "CN=";
    private const string CommonNameOid = "2.5.4.3";

    /// <summary>"CN=ops=operate", or "AB:CD:…=read" as openssl prints a fingerprint; colons and case do not count.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out CertificateRole? entry)
    {
        entry = null;
        var end = text.LastIndexOf('=');
        if (end < 0 || !AdminRoles.TryParse(text[(end + 1)..].Trim(), out var role))
        {
            return false;
        }

        var subject = text[..end].Trim();
        if (subject.StartsWith(CommonNamePrefix, StringComparison.OrdinalIgnoreCase))
        {
            var name = subject[CommonNamePrefix.Length..].Trim();
            entry = name.Length > 0 ? new CertificateRole(name, null, role) : null;
        }
        else
        {
            var fingerprint = subject.Replace(":", "", StringComparison.Ordinal).ToUpperInvariant();
            entry = fingerprint.Length == 2 * SHA256.HashSizeInBytes && fingerprint.All(char.IsAsciiHexDigit) ? new CertificateRole(null, fingerprint, role) : null;
        }

        return entry is not null;
    }

    public bool Fits(X509Certificate2 certificate) =>
        Fingerprint is null ? CommonNameOf(certificate) == CommonName : FingerprintOf(certificate) == Fingerprint;

    public static string FingerprintOf(X509Certificate2 certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);

    /// <summary>Null where there is none, or more than one: a name must not be hidden behind another.</summary>
    public static string? CommonNameOf(X509Certificate2 certificate)
    {
        try
        {
            var names = certificate.SubjectName.EnumerateRelativeDistinguishedNames()
                .Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == CommonNameOid)
                .Select(part => part.GetSingleElementValue())
                .ToArray();
            return names is [var name] ? name : null;
        }
        catch (Exception exception) when (exception is CryptographicException or AsnContentException)
        {
            // A subject that is no subject.
            return null;
        }
    }
}
