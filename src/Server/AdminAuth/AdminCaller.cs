using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;

namespace Relay.AdminAuth;

/// <summary>One request: who makes it, from where, for what, and what it has changed. A feature of the request from its authentication on.</summary>
/// <param name="path">"/relay.admin.v1.PolicyService/ChangePolicy", or any other path.</param>
/// <param name="authenticationFailure">Why it is not authenticated, in a sentence; null: it is.</param>
internal sealed class AdminCaller(AdminIdentity identity, AdminConnection connection, string path, string? authenticationFailure)
{
    private const int RequestIdDigits = 16;

    // Longer than the name of any method; a path may be anything.
    private const int MaxMethodLength = 64;

    public AdminIdentity Identity => identity;

    /// <summary>What the kernel or the authority calls them, never what they call themselves.</summary>
    public string Who => identity.Who;

    public AdminConnection Connection => connection;

    public string? AuthenticationFailure => authenticationFailure;

    /// <summary>"ChangePolicy": the last part of the path.</summary>
    public string Method { get; } = LastPart(path);

    /// <summary>Tells one request from all others, in the audit file and in the reply's trailers.</summary>
    public string RequestId { get; } = RandomNumberGenerator.GetHexString(RequestIdDigits, lowercase: true);

    /// <summary>What was in force before and after, where the call changed something. Written by its handler only.</summary>
    public (string? Before, string? After) Change { get; private set; }

    /// <summary>The caller of the call at hand.</summary>
    public static AdminCaller Of(ServerCallContext context) => context.GetHttpContext().Features.GetRequiredFeature<AdminCaller>();

    /// <summary>For the audit: what the call has changed, in short form and without secrets; null where there was nothing before, or is nothing now.</summary>
    public void Changed(string? before, string? after) => Change = (before, after);

    /// <summary>Why a role that is too low does not suffice: which is required, and where to get it.</summary>
    public string DenialReason(AdminRole required)
    {
        var word = required.Word();
        var has = Identity.Role == AdminRole.None ? "has no role" : $"has {Identity.Role.Word()}";
        return $"Permission denied: {Method} requires role {word}; {Who} {has}. " + Identity.Kind switch
        {
            CallerKind.Process => $"Whoever runs the relay can add the user, or one of its groups as @GROUP, to Admin:{SocketRoles.OptionOf(required)}.",
            CallerKind.Certificate => "Whoever runs the relay can give it the role in Admin:ClientRoles.",
            _ => $"An admin can create a token that has it: `relayctl token create --role {word}`.",
        };
    }

    private static string LastPart(string path)
    {
        var part = path.AsSpan(path.LastIndexOf('/') + 1);
        return part.Length switch
        {
            0 => "/",
            > MaxMethodLength => $"{part[..MaxMethodLength]}…",
            _ => part.ToString(),
        };
    }
}
