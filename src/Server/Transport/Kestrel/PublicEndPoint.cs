using System.Net;
using Relay.Addresses;

namespace Relay.Transport.Kestrel;

/// <summary>A TCP endpoint of the public, with the way in which its clients' addresses are found.</summary>
internal sealed class PublicEndPoint(Listener listener, bool usesEngine) : IPEndPoint(listener.EndPoint.Address, listener.EndPoint.Port)
{
    /// <summary>True when the engine accepts its connections; false: Kestrel does.</summary>
    public bool UsesEngine => usesEngine;

    public ClientAddressRule ClientAddress => listener.ClientAddress;
}
