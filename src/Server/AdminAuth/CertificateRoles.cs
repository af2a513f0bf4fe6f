using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Relay.Transport;

namespace Relay.AdminAuth;

/// <summary>
/// The role of a client certificate. TLS itself accepts any certificate, so that the reason for a refusal can be given in
/// a sentence; nothing is done for its holder before this has evaluated it.
/// </summary>
internal sealed class CertificateRoles : IDisposable
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const int FingerprintShown = 16;
    private const int SubjectShown = 128;

    // Fixed after construction.
    private readonly CertificateRole[] _entries;
    private readonly X509Certificate2Collection _authorities = [];
    private readonly string _authorityFile;
    private readonly TimeProvider _time;

    public CertificateRoles(AdminOptions options, TimeProvider time)
    {
        _entries = [.. options.ClientRoles.Select(text => CertificateRole.TryParse(text, out var entry) ? entry : null).OfType<CertificateRole>()];
        _authorityFile = options.ClientCaFile;
        _time = time;
        if (_authorityFile.Length > 0)
        {
            ListenerCertificate.ReadPem("Admin:ClientCaFile", _authorityFile, () =>
            {
                _authorities.ImportFromPemFile(_authorityFile);
                return true;
            });
        }
    }

    public static IEnumerable<ValidationResult> Check(AdminOptions options)
    {
        for (var i = 0; i < options.ClientRoles.Length; i++)
        {
            var text = options.ClientRoles[i];
            if (!CertificateRole.TryParse(text, out var entry))
            {
                yield return new ValidationResult(
                    $"'{text}' is not understood; write it like CN=ops=operate, or a SHA-256 fingerprint=operate; roles are {AdminRoles.Words}", [$"{nameof(options.ClientRoles)}:{i}"]);
            }
            else if (entry.CommonName is not null && options.ClientCaFile.Length == 0)
            {
                yield return new ValidationResult(
                    $"'{text}' needs a ClientCaFile: without one, any client could present a certificate with that name", [$"{nameof(options.ClientRoles)}:{i}"]);
            }
            else if (!options.UsesTls)
            {
                yield return new ValidationResult("client certificates need TLS; give CertificateFile and KeyFile", [$"{nameof(options.ClientRoles)}:{i}"]);
            }
        }
    }

    /// <summary>A description for the audit, the role, and what is wrong if the certificate proves nothing.</summary>
    public AdminIdentity Identify(X509Certificate2 certificate, out string? problem)
    {
        var fingerprint = CertificateRole.FingerprintOf(certificate);
        var subject = certificate.Subject.Length > SubjectShown ? certificate.Subject[..SubjectShown] : certificate.Subject;
        var who = $"certificate {subject} (sha256 {fingerprint[..FingerprintShown].ToLowerInvariant()})";
        var now = _time.GetUtcNow();
        var pinned = _entries.FirstOrDefault(entry => entry.Fingerprint is not null && entry.Fits(certificate));
        problem = Expired(certificate, now) ?? (pinned is null ? Untrusted(certificate, now) : null);
        var role = problem is not null ? AdminRole.None
            : pinned is not null ? pinned.Role
            : _entries.FirstOrDefault(entry => entry.Fits(certificate))?.Role ?? AdminRole.None;
        return new AdminIdentity(who, role, CallerKind.Certificate) { Until = certificate.NotAfter.ToUniversalTime() };
    }

    public void Dispose()
    {
        foreach (var authority in _authorities)
        {
            authority.Dispose();
        }
    }

    private static string? Expired(X509Certificate2 certificate, DateTimeOffset now)
    {
        var (from, until) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        return now > until ? $"the client certificate expired on {Day(until)}"
            : now < from ? $"the client certificate is not valid before {Day(from)}"
            : null;
    }

    private static string Day(DateTime moment) => moment.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private string? Untrusted(X509Certificate2 certificate, DateTimeOffset now)
    {
        if (_authorities.Count == 0)
        {
            return "the relay does not know this client certificate: its fingerprint is not in Admin:ClientRoles, and there is no Admin:ClientCaFile";
        }

        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_authorities);
        policy.ExtraStore.AddRange(_authorities);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTime = now.UtcDateTime;
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        if (chain.Build(certificate))
        {
            return null;
        }

        var flags = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status);
        return (flags & (X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid)) != 0
            ? "the client certificate is not signed by an authority in the relay's Admin:ClientCaFile"
            : $"the client certificate is not valid for this use: {flags}";
    }
}
