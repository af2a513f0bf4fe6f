using Relay.Addresses;

namespace Relay.Relays;

/// <summary>The offered relays of one network. The choice draws from its head. The registry owns it: used under its lock only.</summary>
internal sealed class RelayGroup(IpKey network)
{
    private readonly List<RelayPlace> _relays = [];

    public IpKey Network => network;

    public int Count => _relays.Count;

    /// <summary>Its index in the list of groups.</summary>
    public int Index { get; set; }

    /// <summary>During a choice: relays at its head that were drawn.</summary>
    public int Drawn { get; set; }

    /// <summary>During a choice: relays at its end that must not be drawn.</summary>
    public int Excluded { get; set; }

    public int Drawable => Count - Drawn - Excluded;

    public void Add(RelayPlace relay)
    {
        (relay.Group, relay.Index) = (this, _relays.Count);
        _relays.Add(relay);
    }

    public void Remove(RelayPlace relay)
    {
        Swap(relay.Index, _relays.Count - 1);
        _relays.RemoveAt(_relays.Count - 1);
        relay.Group = null;
    }

    /// <summary>Keeps a relay out of the choice.</summary>
    public void Exclude(RelayPlace relay)
    {
        if (relay.Index < Count - Excluded)
        {
            Swap(relay.Index, Count - ++Excluded);
        }
    }

    /// <summary>Draws the relay at this place among those that can be drawn.</summary>
    public RelayPlace Draw(int place)
    {
        Swap(Drawn, Drawn + place);
        return _relays[Drawn++];
    }

    public void EndChoice() => (Drawn, Excluded) = (0, 0);

    private void Swap(int a, int b)
    {
        (_relays[a], _relays[b]) = (_relays[b], _relays[a]);
        _relays[a].Index = a;
        _relays[b].Index = b;
    }
}
