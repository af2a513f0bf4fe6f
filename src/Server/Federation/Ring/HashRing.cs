namespace Relay.Federation.Ring;

/// <summary>Which servers own a code, point or token: those whose positions come first, clockwise from that of the text. Unchangeable; safe from any thread.</summary>
internal sealed class HashRing
{
    private readonly (RingPosition Position, RingMember Member)[] _positions;

    /// <summary>A ring of these servers; their order does not matter.</summary>
    public HashRing(IReadOnlyCollection<RingMember> members)
    {
        Members = members;
        _positions =
        [
            .. members.SelectMany(member => member.Positions, (member, position) => (Position: position, Member: member))
                .OrderBy(entry => entry.Position).ThenBy(entry => entry.Member.ServerId, StringComparer.Ordinal),
        ];
    }

    public IReadOnlyCollection<RingMember> Members { get; }

    /// <summary>The owners of a text, the primary one first: at most <paramref name="count"/>, each once.</summary>
    public IReadOnlyList<RingMember> Owners(string text, int count)
    {
        var owners = new List<RingMember>(Math.Min(count, Members.Count));
        var first = IndexOf(RingPosition.Of(text));
        for (var i = 0; i < _positions.Length && owners.Count < count; i++)
        {
            var member = _positions[(first + i) % _positions.Length].Member;
            if (!owners.Contains(member))
            {
                owners.Add(member);
            }
        }

        return owners;
    }

    /// <summary>The first owner of a text; null on an empty ring.</summary>
    public RingMember? Primary(string text) => _positions.Length == 0 ? null : _positions[IndexOf(RingPosition.Of(text)) % _positions.Length].Member;

    /// <summary>The share of the ring of which a server is the primary owner, 0 to 1.</summary>
    public double ShareOf(string serverId)
    {
        var share = 0.0;
        for (var i = 0; i < _positions.Length; i++)
        {
            if (_positions[i].Member.ServerId == serverId)
            {
                // A position owns the arc that ends in it. 64 bits of it are exact enough for a share.
                var before = _positions[(i + _positions.Length - 1) % _positions.Length].Position.High;
                share += _positions.Length == 1 ? 1 : unchecked(_positions[i].Position.High - before) / (ulong.MaxValue + 1.0);
            }
        }

        return share;
    }

    // The first one that is not before the position; as many as there are when it lies behind all.
    private int IndexOf(RingPosition position)
    {
        var (low, high) = (0, _positions.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _positions[middle].Position.CompareTo(position) < 0 ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
