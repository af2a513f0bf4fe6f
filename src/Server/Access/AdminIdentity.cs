namespace Relay.Access;

/// <summary>Who calls, and what they may.</summary>
/// <param name="Who">The kernel's or the authority's word for them.</param>
internal sealed record AdminIdentity(string Who, AdminRole Role, CallerKind Kind)
{
    public static readonly AdminIdentity Stranger = new("unknown", AdminRole.None, CallerKind.Stranger);

    /// <summary>The token that they showed.</summary>
    public AdminToken? Token { get; init; }

    /// <summary>When their certificate expires.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>By what a caller is known.</summary>
internal enum CallerKind
{
    Stranger,
    Process,
    Certificate,
    Token,
}
