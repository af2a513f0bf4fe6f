using System.Security.Cryptography.X509Certificates;
using Relay.Addresses;
using Relay.RateLimiting;

namespace Relay.AdminAuth;

/// <summary>
/// Says who a caller is. On the Unix socket the kernel's word counts and nothing else; over the network a token, or else
/// the client certificate.
/// </summary>
internal sealed class CallerAuthenticator(SocketRoles processes, CertificateRoles certificates, TokenStore tokens, AdminOptions options, TimeProvider time)
{
    private const string Bearer = "Bearer ";

    // The bits of an IPv6 address that one customer has at the least.
    private const int Ipv6Prefix = 64;

    private readonly AddressRate _failures = new(options.FailuresPerMinute, time);

    /// <summary>Who it is. <paramref name="failure"/> is a sentence when that is not authenticated.</summary>
    public AdminIdentity Authenticate(AdminConnection connection, string? authorization, X509Certificate2? certificate, out string? failure)
    {
        string? problem = null;
        var identity = connection.Transport == AdminTransport.Unix
            ? new AdminIdentity(connection.Process?.Description ?? "unknown", processes.Of(connection.Process), CallerKind.Process)
            : authorization is not null ? ByToken(authorization, out problem)
            : certificate is not null ? ByCertificate(connection, certificate, out problem)
            : AdminIdentity.Unknown;
        failure = problem is not null ? $"Authentication failed: {problem}"
            : identity.Kind != CallerKind.Unknown ? null
            : connection.Transport == AdminTransport.Tls ? "Authentication required: no token or client certificate was sent"
            : "Authentication required: no token was sent";
        return identity;
    }

    /// <summary>Whether what authenticated them still does: the token was not revoked, nothing has expired.</summary>
    public bool IsStillValid(AdminIdentity identity) =>
        (identity.Token is not { } token || tokens.IsValid(token)) && (identity.Until is not { } until || time.GetUtcNow() <= until);

    /// <summary>Counts that an address failed to authenticate; false when it did so too often within a minute.</summary>
    public bool MayFail(AdminConnection connection) =>
        connection.RemoteAddress is not { } address || _failures.TryTake(IpKey.From(address, Ipv6Prefix));

    private AdminIdentity ByToken(string authorization, out string? problem)
    {
        if (!authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            problem = "the authorization header is not a Bearer token";
            return AdminIdentity.Unknown;
        }

        return tokens.Find(authorization[Bearer.Length..].Trim(), out problem) is { } token
            ? new AdminIdentity($"{token}", token.Role, CallerKind.Token) { Token = token }
            : AdminIdentity.Unknown;
    }

    private AdminIdentity ByCertificate(AdminConnection connection, X509Certificate2 certificate, out string? problem)
    {
        problem = null;
        if (connection.CertificateHolder is { } known && IsStillValid(known))
        {
            return known;
        }

        var identity = certificates.Identify(certificate, out problem);
        connection.CertificateHolder = problem is null ? identity : null;
        return identity;
    }
}
