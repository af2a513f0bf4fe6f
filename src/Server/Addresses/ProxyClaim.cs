
namespace Relay.Addresses;

/// <summary>What a connection's PROXY header said.</summary>
/// <param name="Source">The client's address when <paramref name="Kind"/> is Client.</param>
internal readonly record struct ProxyClaim(ProxyClaimKind Kind, IpKey Source);

/// <summary>For whom a proxy says that it speaks.</summary>
internal enum ProxyClaimKind : byte
{
    /// <summary>There was no PROXY header.</summary>
    None,

    /// <summary>For a client with an address.</summary>
    Client,

    /// <summary>For itself (LOCAL), or for whom it cannot say (UNKNOWN): both are how health checks look.</summary>
    Itself,

    /// <summary>For a client without an IP address, such as a Unix socket.</summary>
    NoAddress,
}
