using System.Diagnostics.CodeAnalysis;
using Relay.Addresses;
using Relay.Cluster.V1;

namespace Relay.Clients;

/// <summary>What a client's address counts by, between relays.</summary>
internal static class ClientAddresses
{
    public static ClientAddress ToMessage(in IpKey key) => new() { High = key.High, Low = key.Low, Bits = key.Bits };

    /// <summary>False: it is none.</summary>
    public static bool TryRead([NotNullWhen(true)] ClientAddress? address, out IpKey key)
    {
        key = default;
        return address is not null && IpKey.TryFrom(address.High, address.Low, address.Bits, out key);
    }
}
