using System.Security.Cryptography.X509Certificates;
using Relay.Addresses;
using Relay.RateLimiting;

namespace Relay.Access;

/// <summary>
/// Says who a caller is and whether that is enough. On the Unix socket the kernel's word counts and nothing else; over the
/// network a token, or else the client certificate.
/// </summary>
internal sealed class CallerJudge(SocketRoles processes, CertificateRoles certificates, TokenStore tokens, AdminOptions options, TimeProvider time)
{
    private const string Bearer = "Bearer ";

    // The bits of an IPv6 address that one customer has at the least.
    private const int Ipv6Prefix = 64;

    private readonly AddressRate _failures = new(options.FailuresPerMinute, time);

    /// <summary>Who it is. <paramref name="problem"/> is a sentence when that is not proven.</summary>
    public AdminIdentity Identify(AdminConnection connection, string? authorization, X509Certificate2? certificate, out string? problem)
    {
        problem = null;
        if (connection.Transport == AdminTransport.Unix)
        {
            return new AdminIdentity(connection.Process?.Description ?? "unknown", processes.Of(connection.Process), CallerKind.Process);
        }

        if (authorization is not null)
        {
            return ByToken(authorization, out problem);
        }

        if (certificate is not null)
        {
            return ByCertificate(connection, certificate, out problem);
        }

        problem = connection.Transport == AdminTransport.Tls
            ? "this listener wants a token or a client certificate, and none came"
            : "this listener wants a token, and none came";
        return AdminIdentity.Stranger;
    }

    /// <summary>Whether what proved them still does: the token was not revoked, nothing has expired.</summary>
    public bool IsStillValid(AdminIdentity identity) =>
        (identity.Token is not { } token || tokens.IsValid(token)) && (identity.Until is not { } until || time.GetUtcNow() <= until);

    /// <summary>Counts that an address was wrong; false when it was so too often within a minute.</summary>
    public bool MayFail(AdminConnection connection) =>
        connection.RemoteAddress is not { } address || _failures.TryTake(IpKey.From(address, Ipv6Prefix));

    /// <summary>Null when the caller may; otherwise a sentence that says which role is needed and where to get it.</summary>
    public static string? Objection(AdminCaller caller, string method)
    {
        var needed = MethodRoles.Of(method).Role;
        if (caller.Identity.Role >= needed || (MethodRoles.IsHealth(method) && caller.Connection.Transport == AdminTransport.Unix))
        {
            return null;
        }

        var has = caller.Identity.Role == AdminRole.None ? "has no role" : $"has {caller.Identity.Role.Word()}";
        return $"{caller.Method} needs the role {needed.Word()}; {caller.Who} {has}. " + caller.Identity.Kind switch
        {
            CallerKind.Process => $"Whoever runs the relay can put the user into Admin:{needed}Users or one of its groups into Admin:{needed}Groups.",
            CallerKind.Certificate => "Whoever runs the relay can give it the role in Admin:ClientRoles.",
            _ => $"An admin can make a token that has it: `relayctl token create --role {needed.Word()}`.",
        };
    }

    private AdminIdentity ByToken(string authorization, out string? problem)
    {
        if (!authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            problem = "the authorization is no Bearer token";
            return AdminIdentity.Stranger;
        }

        return tokens.Find(authorization[Bearer.Length..].Trim(), out problem) is { } token
            ? new AdminIdentity($"{token}", token.Role, CallerKind.Token) { Token = token }
            : AdminIdentity.Stranger;
    }

    private AdminIdentity ByCertificate(AdminConnection connection, X509Certificate2 certificate, out string? problem)
    {
        problem = null;
        if (connection.CertificateHolder is { } judged && IsStillValid(judged))
        {
            return judged;
        }

        var identity = certificates.Identify(certificate, out problem);
        connection.CertificateHolder = problem is null ? identity : null;
        return identity;
    }
}
