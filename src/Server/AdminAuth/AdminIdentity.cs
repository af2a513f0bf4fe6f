using System.Security.Claims;

namespace Relay.AdminAuth;

/// <summary>Who calls, and what they may.</summary>
/// <param name="Who">What the kernel or the authority calls them.</param>
internal sealed record AdminIdentity(string Who, AdminRole Role, CallerKind Kind)
{
    /// <summary>The claim of every process on the Unix socket, whatever its role.</summary>
    public const string LocalCaller = "local";

    public static readonly AdminIdentity Unknown = new("unknown", AdminRole.None, CallerKind.Unknown);

    /// <summary>The token that they sent.</summary>
    public AdminToken? Token { get; init; }

    /// <summary>When their certificate expires.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>As authorization policies see them: with a role claim for each role that theirs includes.</summary>
    public ClaimsPrincipal ToPrincipal(string scheme)
    {
        var roles = Enum.GetValues<AdminRole>().Where(role => role > AdminRole.None && role <= Role).Select(role => role.Word());
        var claims = (Kind == CallerKind.Process ? roles.Append(LocalCaller) : roles).Select(role => new Claim(ClaimTypes.Role, role));
        return new ClaimsPrincipal(new ClaimsIdentity(claims.Prepend(new Claim(ClaimTypes.Name, Who)), scheme));
    }
}

/// <summary>By what a caller is known.</summary>
internal enum CallerKind
{
    Unknown,
    Process,
    Certificate,
    Token,
}
