using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Relay.AdminCli;

/// <summary>Verifies the relay's certificate, and explains what is wrong with it.</summary>
internal static class RelayCertificate
{
    private const X509ChainStatusFlags NotSigned = X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.NotSignatureValid;

    public static void Configure(SslClientAuthenticationOptions tls, Credentials credentials, TimeProvider clock)
    {
        if (credentials.Certificate is { } certificate)
        {
            tls.ClientCertificates = [certificate];
        }

        if (credentials.Authorities is { } authorities)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(authorities);
            tls.CertificateChainPolicy = policy;
        }

        // What is thrown here comes out of the call that made the connection.
        tls.RemoteCertificateValidationCallback = (_, shown, chain, errors) => errors == SslPolicyErrors.None
            ? true
            : throw new UntrustedRelayException(Explain(shown as X509Certificate2, chain, errors, credentials.CaFile, clock.GetUtcNow()));
    }

    private static string Explain(X509Certificate2? shown, X509Chain? chain, SslPolicyErrors errors, string? caFile, DateTimeOffset now)
    {
        if (shown is null)
        {
            return "it shows no certificate.";
        }

        var flags = chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status) ?? X509ChainStatusFlags.NoError;
        var (from, until) = (shown.NotBefore.ToUniversalTime(), shown.NotAfter.ToUniversalTime());
        return (errors & SslPolicyErrors.RemoteCertificateChainErrors) == 0
            ? $"its certificate is for {Names(shown)}. Call the relay by that name in --server, or give it a certificate for this one."
            : now > until ? $"its certificate expired on {Day(until)}. Give the relay a new one and restart it."
            : now < from ? $"its certificate is not valid before {Day(from)}. Is this machine's clock right?"
            : (flags & NotSigned) == 0 ? $"its certificate is not good for this: {flags}."
            : caFile is null ? "its certificate is not signed by an authority that this machine knows. Name the authority's certificate with --ca-file."
            : $"its certificate is not signed by an authority in {Printable.Clean(caFile)}. Is that the relay's authority, and is this the relay?";
    }

    private static string Names(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(extension => extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString())));
        var text = string.Join(", ", names.Take(5));
        return Printable.Clean(text.Length > 0 ? text : certificate.Subject);
    }

    private static string Day(DateTime moment) => moment.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

/// <summary>The relay's certificate is not trusted; the message follows "Cannot reach the relay at …: ".</summary>
internal sealed class UntrustedRelayException(string message) : AuthenticationException(message);
