using System.Net;
using Relay.Addresses;

namespace Relay.Transport.Kestrel;

/// <summary>A TCP endpoint of the public, with the way in which its clients' addresses are found.</summary>
internal sealed class PublicEndPoint(Listener listener) : IPEndPoint(listener.EndPoint.Address, listener.EndPoint.Port)
{
    public ClientAddressRule ClientAddress => listener.ClientAddress;
}
