using Relay.Clients;
using Relay.Protocol;

namespace Relay.Relays;

/// <summary>A peer that offers to relay. The registry owns it: read and written under its lock only.</summary>
internal sealed class RelayEntry(Client owner, string peerId, DateTimeOffset registeredAt)
{
    public const int NotOffered = -1;

    /// <summary>The socket that holds the peer id.</summary>
    public Client Owner => owner;

    public string PeerId => peerId;

    public DateTimeOffset RegisteredAt => registeredAt;

    public string? PublicKey { get; set; }

    public double MaxConnections { get; set; }

    public double ConnectedCount { get; set; }

    public DateTimeOffset LastSeen { get; set; }

    /// <summary>What others get; immutable and replaced whole, so that it may leave the lock.</summary>
    public RelayOffer Offer { get; set; } = null!;

    /// <summary>Its index in the list of offered relays, or <see cref="NotOffered"/>.</summary>
    public int Index { get; set; } = NotOffered;
}
