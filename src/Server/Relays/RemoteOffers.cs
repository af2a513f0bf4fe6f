using Relay.Addresses;
using Relay.Protocol;

namespace Relay.Relays;

/// <summary>Relays that other nodes of the cluster offer, by the start of their node and by name. The registry owns it: used under its lock only.</summary>
internal sealed class RemoteOffers
{
    /// <summary>Of all nodes together; more are ignored.</summary>
    public const int MaxCount = 4_000;

    private readonly Dictionary<ulong, long> _heardAt = [];
    private readonly Dictionary<string, (ulong Epoch, RelayPlace Place)> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<ulong, List<string>> _namesOf = [];

    public int Count => _byName.Count;

    public RelayPlace? Find(string peerId) => _byName.GetValueOrDefault(peerId).Place;

    /// <summary>What a node offers, instead of what it did before. A name that another node has offered has moved.</summary>
    public void Set(RelayPool pool, ulong epoch, IEnumerable<(RelayOffer Offer, IpKey Address)> offers, long now)
    {
        Remove(pool, epoch);
        var names = new List<string>();
        foreach (var (offer, address) in offers)
        {
            Remove(pool, offer.PeerId);
            if (_byName.Count >= MaxCount)
            {
                break;
            }

            var place = new RelayPlace(address);
            place.Set(offer);
            pool.Add(place);
            _byName.Add(offer.PeerId, (epoch, place));
            names.Add(offer.PeerId);
        }

        _namesOf[epoch] = names;
        _heardAt[epoch] = now;
    }

    public void Remove(RelayPool pool, ulong epoch)
    {
        _heardAt.Remove(epoch);
        if (!_namesOf.Remove(epoch, out var names))
        {
            return;
        }

        foreach (var name in names.Where(name => _byName.TryGetValue(name, out var offer) && offer.Epoch == epoch))
        {
            Remove(pool, name);
        }
    }

    public void Remove(RelayPool pool, string peerId)
    {
        if (_byName.Remove(peerId, out var offer))
        {
            pool.Remove(offer.Place);
        }
    }

    /// <summary>Removes what nodes offer that were heard at such times last, timestamps.</summary>
    public void RemoveWhere(RelayPool pool, Func<long, bool> isPast)
    {
        foreach (var (epoch, _) in _heardAt.Where(node => isPast(node.Value)).ToList())
        {
            Remove(pool, epoch);
        }
    }
}
