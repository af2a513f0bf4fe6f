
namespace Relay.Addresses;

/// <summary>What a connection's PROXY header said.</summary>
/// <param name="Source">The client's address when <paramref name="Kind"/> is Client.</param>
internal readonly record struct ProxyClaim(ProxyClaimKind Kind, IpKey Source);

/// <summary>The client that a proxy names.</summary>
internal enum ProxyClaimKind : byte
{
    /// <summary>There was no PROXY header.</summary>
    None,

    /// <summary>For a client with an address.</summary>
    Client,

    /// <summary>The proxy itself (LOCAL), or an unknown client (UNKNOWN): health checks use both.</summary>
    Itself,

    /// <summary>For a client without an IP address, such as a Unix socket.</summary>
    NoAddress,
}
