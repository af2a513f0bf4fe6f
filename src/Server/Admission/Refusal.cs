namespace Relay.Admission;

/// <summary>Why a connection was not admitted. What the client sees, and the name in metrics, is the reason's row in <see cref="Rejections"/>.</summary>
internal enum Refusal
{
    /// <summary>Admitted.</summary>
    None,
    TotalLimit,
    PerIpLimit,

    /// <summary>The relay shuts down.</summary>
    Stopping,

    /// <summary>Open files or memory leave no capacity, whatever the total limit says.</summary>
    Ceiling,

    /// <summary>Networks that many addresses share.</summary>
    Per56Limit,
    Per48Limit,
    Per24Limit,

    /// <summary>Too many new connections in too short a time: of one address, of all together.</summary>
    RatePerIp,
    RateTotal,
    Banned,

    /// <summary>An override says deny.</summary>
    Denied,

    /// <summary>A trusted proxy did not send the client's address: too many such connections, or none are allowed.</summary>
    UnresolvedLimit,
    Unresolved,

    /// <summary>An operator drains the relay.</summary>
    Draining,

    /// <summary>The nodes of the cluster together, whatever this one has capacity for.</summary>
    ClusterTotalLimit,

    /// <summary>The client has shown no token that is valid.</summary>
    Unauthorized,

    /// <summary>Whether its token is valid cannot be found out now.</summary>
    AuthUnavailable,

    /// <summary>The subject that it has authenticated as has too many connections.</summary>
    PerSubjectLimit,
}
