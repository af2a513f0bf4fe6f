using System.Security.Cryptography;
using Grpc.Core;

namespace Relay.Access;

/// <summary>One call: who makes it, from where, what it is, and what it has changed. The interceptor makes it and audits it.</summary>
internal sealed class AdminCaller(AdminIdentity identity, AdminConnection connection, string method)
{
    private const int RequestIdDigits = 16;
    private static readonly object Key = new();

    public AdminIdentity Identity => identity;

    /// <summary>The kernel's or the authority's word, never the caller's own.</summary>
    public string Who => identity.Who;

    public AdminConnection Connection => connection;

    /// <summary>"ChangePolicy".</summary>
    public string Method { get; } = method[(method.LastIndexOf('/') + 1)..];

    /// <summary>Tells one call from all others, in the audit file and in the reply's trailers.</summary>
    public string RequestId { get; } = RandomNumberGenerator.GetHexString(RequestIdDigits, lowercase: true);

    /// <summary>What was in force before and after, where the call changed something. Written by its handler only.</summary>
    public (string? Before, string? After) Change { get; private set; }

    /// <summary>The caller of the call at hand.</summary>
    public static AdminCaller Of(ServerCallContext context) => (AdminCaller)context.UserState[Key];

    public void AttachTo(ServerCallContext context) => context.UserState[Key] = this;

    /// <summary>For the audit: what the call has changed, in short form and without secrets; null where there was nothing before, or is nothing now.</summary>
    public void Changed(string? before, string? after) => Change = (before, after);
}
