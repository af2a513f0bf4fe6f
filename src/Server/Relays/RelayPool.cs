using Relay.Addresses;

namespace Relay.Relays;

/// <summary>
/// Relays that are offered, in lists by network, of which a choice shuffles only the heads. Every network has its turn before any has a second: many
/// relays in one place are offered no more often than few. The registry owns it: used under its lock only.
/// </summary>
internal sealed class RelayPool
{
    private readonly Dictionary<IpKey, RelayGroup> _groupOf = [];
    private readonly List<RelayGroup> _groups = [];
    private readonly List<RelayGroup> _touched = [];

    public int Count { get; private set; }

    public void Add(RelayPlace relay)
    {
        GroupOf(relay.Address).Add(relay);
        Count++;
    }

    /// <summary>Nothing where it is not there.</summary>
    public void Remove(RelayPlace relay)
    {
        if (relay.Group is not { } group)
        {
            return;
        }

        group.Remove(relay);
        Count--;
        if (group.Count == 0)
        {
            SwapGroups(group.Index, _groups.Count - 1);
            _groups.RemoveAt(_groups.Count - 1);
            _groupOf.Remove(group.Network);
        }
    }

    /// <summary>
    /// At most <paramref name="count"/>, of <paramref name="maxBytes"/> together, at random, in random order, without two.
    /// </summary>
    /// <param name="draws">Random numbers: <see cref="DrawsOf"/>.</param>
    public List<RelayPlace> Choose(int count, int maxBytes, ReadOnlySpan<ulong> draws, RelayPlace? self, RelayPlace? other)
    {
        Exclude(self);
        Exclude(other);
        var chosen = new List<RelayPlace>(Math.Min(count, Count));

        // Groups before `turn` have had their turn in this round, those from `end` on have nothing left.
        var (turn, end, bytes) = (0, _groups.Count, 0);
        for (var i = 0; i < draws.Length && end > 0 && chosen.Count < count; i += 2)
        {
            turn = turn < end ? turn : 0;
            SwapGroups(turn, turn + Pick(draws[i], end - turn));
            var group = _groups[turn];
            if (group.Drawable > 0)
            {
                var relay = group.Draw(Pick(draws[i + 1], group.Drawable));
                _touched.Add(group);
                if (bytes + relay.OfferBytes <= maxBytes)
                {
                    bytes += relay.OfferBytes;
                    chosen.Add(relay);
                }
            }

            // One that has nothing left makes room for the last of this round, or of those before it.
            if (group.Drawable == 0)
            {
                SwapGroups(turn, --end);
            }
            else
            {
                turn++;
            }
        }

        _touched.ForEach(group => group.EndChoice());
        _touched.Clear();
        return chosen;
    }

    /// <summary>How many random numbers a choice takes: of a network and of a relay in it; two of the networks may have nothing but the two relays that are not offered.</summary>
    public static int DrawsOf(int count) => 2 * (count + 2);

    private RelayGroup GroupOf(IpKey address)
    {
        var (near, far) = Tiers.NetworksOf(address);
        var network = far ?? near ?? address;
        if (!_groupOf.TryGetValue(network, out var group))
        {
            _groupOf.Add(network, group = new RelayGroup(network) { Index = _groups.Count });
            _groups.Add(group);
        }

        return group;
    }

    private void Exclude(RelayPlace? relay)
    {
        if (relay?.Group is { } group)
        {
            group.Exclude(relay);
            _touched.Add(group);
        }
    }

    // The upper half of draw × range is below the range, and as good as uniform: the range is tiny beside 2^64.
    private static int Pick(ulong draw, int range) => (int)Math.BigMul(draw, (ulong)range, out _);

    private void SwapGroups(int a, int b)
    {
        (_groups[a], _groups[b]) = (_groups[b], _groups[a]);
        _groups[a].Index = a;
        _groups[b].Index = b;
    }
}
