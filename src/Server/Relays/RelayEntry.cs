using Relay.Addresses;
using Relay.Clients;

namespace Relay.Relays;

/// <summary>A peer that offers to relay. The registry owns it: read and written under its lock only.</summary>
internal sealed class RelayEntry(Client owner, IpKey address, string peerId, DateTimeOffset registeredAt)
{
    /// <summary>The socket that holds the peer id.</summary>
    public Client Owner => owner;

    /// <summary>What the owner's address counts by.</summary>
    public IpKey Address => address;

    public string PeerId => peerId;

    public DateTimeOffset RegisteredAt => registeredAt;

    public string? PublicKey { get; set; }

    public double MaxConnections { get; set; }

    public double ConnectedCount { get; set; }

    public DateTimeOffset LastSeen { get; set; }

    /// <summary>Among all relays that are offered here.</summary>
    public RelayPlace Place { get; } = new(address);

    /// <summary>Among those of this relay's clients, of which the other relays of the cluster are told; null: there are no others.</summary>
    public RelayPlace? OwnPlace { get; init; }

    public bool IsOffered => Place.Group is not null;
}
