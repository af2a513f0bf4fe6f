using Relay.Addresses;
using Relay.Protocol;

namespace Relay.Relays;

/// <summary>A relay among those that are offered, once it is in a pool. Read and written under the registry's lock only.</summary>
internal sealed class RelayPlace(IpKey address)
{
    // The names of the fields, and the longest number.
    private const int Overhead = 64;

    /// <summary>What the relay's address counts by.</summary>
    public IpKey Address => address;

    /// <summary>What others get; immutable and replaced whole, so that it may leave the lock.</summary>
    public RelayOffer Offer { get; private set; } = null!;

    /// <summary>In an answer, in bytes.</summary>
    public int OfferBytes { get; private set; }

    /// <summary>The offered relays of its network; null: it is in no pool.</summary>
    public RelayGroup? Group { get; set; }

    /// <summary>Its index in that group.</summary>
    public int Index { get; set; }

    public void Set(RelayOffer offer)
    {
        Offer = offer;
        OfferBytes = Overhead + MinimalJsonEncoder.LengthOf(offer.PeerId) + MinimalJsonEncoder.LengthOf(offer.PublicKey ?? "");
    }
}
