using System.Net;

namespace Relay.Listening;

/// <summary>A TCP endpoint that is not the public's: its connections are no clients' and are counted elsewhere.</summary>
internal sealed class PrivateEndPoint(IPEndPoint endpoint) : IPEndPoint(endpoint.Address, endpoint.Port);
