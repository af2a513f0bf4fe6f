
namespace Relay.Addresses;

/// <summary>Whose connection it is.</summary>
/// <param name="Address">The client's whole address, or <see cref="IpKey.Unresolved"/>: a trusted proxy did not send it.</param>
/// <param name="Peer">The whole address at the other end of the socket: the client itself or the last proxy.</param>
/// <param name="Source">How the address was found.</param>
internal readonly record struct ResolvedClient(IpKey Address, IpKey Peer, ClientAddressSource Source)
{
    /// <summary>The client's address where it is known, else its proxy's: for showing, never for counting.</summary>
    public IpKey Shown => Address.IsUnresolved ? Peer : Address;
}

/// <summary>How a client's address was found.</summary>
internal enum ClientAddressSource
{
    /// <summary>The socket's own address.</summary>
    Socket,

    /// <summary>The same, although the peer sends a client address: it is not in the trusted networks.</summary>
    UnlistedProxy,

    /// <summary>A header of a trusted proxy.</summary>
    Header,

    /// <summary>The PROXY header of a trusted proxy.</summary>
    ProxyProtocol,

    /// <summary>A trusted proxy that said, with its PROXY header, that it speaks for itself: a health check.</summary>
    ProxyItself,

    /// <summary>None: a trusted proxy sent no usable address.</summary>
    Unresolved,
}
