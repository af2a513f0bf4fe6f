using Relay.Addresses;

namespace Relay.RateLimiting;

/// <summary>
/// How much of something shared each address holds, and its networks with it; and who has to give way when it is full: whoever
/// holds most, so that nobody can take what others have. Addresses count by their holding. A network counts by the
/// holding of all its addresses, divided by what it may have more than one address: a /56 is twice an address, a /24 and
/// a /48 are four times one. Memory and time for those only who hold something: a step costs O(log holders). Not thread-safe;
/// its owner guards it.
/// </summary>
internal sealed class FairShares
{
    // Pressure is in quarters, so that each network's part of one address is a whole number.
    private const int AddressShift = 2;
    private const int NearIpv6Shift = 1;
    private const int WidestShift = 0;

    private readonly Dictionary<IpKey, Group> _addresses = [];
    private readonly Dictionary<IpKey, Group> _networks = [];
    private readonly Group _root = new(default, null, WidestShift);

    /// <summary>What all hold together.</summary>
    public long Total => _root.Amount;

    /// <summary>Addresses that hold something.</summary>
    public int Holders => _addresses.Count;

    public long Of(IpKey address) => _addresses.TryGetValue(address, out var holder) ? holder.Amount : 0;

    /// <summary>The address holds so much more. It is an error to take more from it, by a negative amount, than it holds.</summary>
    public void Add(IpKey address, long amount)
    {
        if (amount == 0)
        {
            return;
        }

        if (!_addresses.TryGetValue(address, out var holder))
        {
            _addresses.Add(address, holder = new Group(address, ParentOf(address), AddressShift));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(holder.Amount + amount, nameof(amount));
        for (var group = holder; group is not null; group = group.Parent)
        {
            group.Amount += amount;
            group.Update();
            if (group.Amount == 0 && group.Parent is not null)
            {
                (group == holder ? _addresses : _networks).Remove(group.Key);
            }
        }
    }

    /// <summary>
    /// The address that has to give way after <paramref name="added"/> was added: the largest holder in the network
    /// that counts most. That address itself unless somebody has more than it has now.
    /// </summary>
    public IpKey Largest(IpKey added)
    {
        var own = _addresses.GetValueOrDefault(added);
        var group = _root;
        while (group.Largest is { } largest)
        {
            group = own?.Below(group) is { } ownPart && ownPart.Pressure >= largest.Pressure ? ownPart : largest;
        }

        return group == _root ? added : group.Key;
    }

    private Group ParentOf(IpKey address)
    {
        var (near, far) = Tiers.NetworksOf(address);
        var parent = far is { } wide ? Network(wide, _root, WidestShift) : _root;
        return near is { } narrow ? Network(narrow, parent, narrow.IsIpv6 ? NearIpv6Shift : WidestShift) : parent;
    }

    private Group Network(IpKey key, Group parent, int shift)
    {
        if (!_networks.TryGetValue(key, out var network))
        {
            _networks.Add(key, network = new Group(key, parent, shift));
        }

        return network;
    }

    /// <summary>An address, or a network with the parts of it that hold something: a heap, the one with the most pressure on top.</summary>
    private sealed class Group(IpKey key, Group? parent, int shift)
    {
        private const int NotListed = -1;

        private readonly List<Group> _parts = [];

        // Decides between two that count the same: the same way each time, and foreseen by nobody outside.
        private readonly int _tie = key.GetHashCode();
        private int _index = NotListed;

        public IpKey Key => key;

        public Group? Parent => parent;

        public long Amount { get; set; }

        /// <summary>How urgently it, or a part of it, should hold less.</summary>
        public long Pressure { get; private set; }

        public Group? Largest => _parts.Count > 0 ? _parts[0] : null;

        /// <summary>This one, or what it belongs to, as a direct part of a network; null when it is not in it.</summary>
        public Group? Below(Group network)
        {
            var group = this;
            while (group is not null && group.Parent != network)
            {
                group = group.Parent;
            }

            return group;
        }

        /// <summary>Its amount or its largest part has changed: takes its new place in its parent's heap, or leaves it.</summary>
        public void Update()
        {
            Pressure = Math.Max(Amount << shift, Largest?.Pressure ?? 0);
            if (parent is null)
            {
                return;
            }

            if (Amount == 0)
            {
                parent.Unlist(this);
                return;
            }

            if (_index == NotListed)
            {
                _index = parent._parts.Count;
                parent._parts.Add(this);
            }

            parent.Settle(_index);
        }

        private void Unlist(Group part)
        {
            var index = part._index;
            var last = _parts[^1];
            _parts.RemoveAt(_parts.Count - 1);
            part._index = NotListed;
            if (last != part)
            {
                Put(last, index);
                Settle(index);
            }
        }

        private void Settle(int index)
        {
            var part = _parts[index];
            while (index > 0 && part.Outranks(_parts[(index - 1) / 2]))
            {
                Put(_parts[(index - 1) / 2], index);
                index = (index - 1) / 2;
            }

            while (LargerChild(index) is var child && child < _parts.Count && _parts[child].Outranks(part))
            {
                Put(_parts[child], index);
                index = child;
            }

            Put(part, index);
        }

        private bool Outranks(Group other) => (Pressure, _tie).CompareTo((other.Pressure, other._tie)) > 0;

        private int LargerChild(int index)
        {
            var left = (2 * index) + 1;
            return left + 1 < _parts.Count && _parts[left + 1].Outranks(_parts[left]) ? left + 1 : left;
        }

        private void Put(Group part, int index)
        {
            _parts[index] = part;
            part._index = index;
        }
    }
}
