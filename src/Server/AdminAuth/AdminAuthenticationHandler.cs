using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Relay.AdminAuth;

/// <summary>
/// Authenticates every request of the admin listeners, from its head alone. Rejections go to the audit log, which bounds
/// them, and not to the log, where a line for each would let untrusted callers fill the disk.
/// </summary>
internal sealed class AdminAuthenticationHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, CallerAuthenticator authenticator)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, NullLoggerFactory.Instance, UrlEncoder.Default)
{
    public const string SchemeName = "admin";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var connection = Context.Features.GetRequiredFeature<AdminConnection>();
        var authorization = Request.Headers.Authorization is { Count: > 0 } header ? $"{header}" : null;
        var identity = authenticator.Authenticate(connection, authorization, Context.Connection.ClientCertificate, out var failure);
        connection.IsAuthorized |= identity.Role > AdminRole.None;
        Context.Features.Set(new AdminCaller(identity, connection, Request.Path.Value ?? "", failure));
        return Task.FromResult(failure is null
            ? AuthenticateResult.Success(new AuthenticationTicket(identity.ToPrincipal(Scheme.Name), Scheme.Name))
            : AuthenticateResult.Fail(failure));
    }
}
