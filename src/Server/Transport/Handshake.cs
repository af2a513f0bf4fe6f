using Relay.Addresses;

namespace Relay.Transport;

/// <summary>One unfinished connection, with its places among the others. Guarded by the lock of its guard.</summary>
internal sealed class Handshake(HandshakeGuard guard)
{
    public HandshakeGuard Guard => guard;

    /// <summary>The connection itself; none while this is spare.</summary>
    public Connection Connection { get; set; } = null!;

    /// <summary>When it was accepted.</summary>
    public long Since { get; set; }

    /// <summary>The address that it is from; null: a proxy's that has not said so yet.</summary>
    public IpKey? Address { get; set; }

    /// <summary>What it counts by, once <see cref="Address"/> is known.</summary>
    public IpKey Key { get; set; }

    /// <summary>Its place among all.</summary>
    public HandshakeNeighbors InAll;

    /// <summary>Its place among those of its key.</summary>
    public HandshakeNeighbors InKey;
}

/// <summary>Which of its two places in a <see cref="HandshakeQueue"/> an unfinished connection takes.</summary>
internal enum HandshakeLink : byte
{
    Key,
    All,
}

/// <summary>Who came before and after.</summary>
internal struct HandshakeNeighbors
{
    public Handshake? Previous;
    public Handshake? Next;
}

/// <summary>
/// Unfinished connections in the order of arrival, linked by fields of their own: to enter and to leave allocates nothing. A field,
/// never copied; the default is an empty queue of one key.
/// </summary>
internal struct HandshakeQueue(HandshakeLink link)
{
    private Handshake? _last;

    public int Count { get; private set; }

    public Handshake? First { get; private set; }

    public void AddLast(Handshake handshake)
    {
        NeighborsOf(handshake) = new HandshakeNeighbors { Previous = _last };
        if (_last is null)
        {
            First = handshake;
        }
        else
        {
            NeighborsOf(_last).Next = handshake;
        }

        _last = handshake;
        Count++;
    }

    /// <summary>Takes one out that is in it.</summary>
    public void Remove(Handshake handshake)
    {
        var (previous, next) = (NeighborsOf(handshake).Previous, NeighborsOf(handshake).Next);
        if (previous is null)
        {
            First = next;
        }
        else
        {
            NeighborsOf(previous).Next = next;
        }

        if (next is null)
        {
            _last = previous;
        }
        else
        {
            NeighborsOf(next).Previous = previous;
        }

        NeighborsOf(handshake) = default;
        Count--;
    }

    private readonly ref HandshakeNeighbors NeighborsOf(Handshake handshake) =>
        ref link == HandshakeLink.All ? ref handshake.InAll : ref handshake.InKey;
}

/// <summary>
/// Those of connections that are finished, for those that are accepted next: most are unfinished for no longer than a turn of their loop. One that
/// was rejected is not among them, for whoever resets it has it. Guarded like them.
/// </summary>
internal sealed class SpareHandshakes
{
    // Of 128 bytes each.
    private const int Max = 256;

    private readonly Stack<Handshake> _spare = new(Max);

    public Handshake Take(HandshakeGuard guard, Connection connection, long since)
    {
        var handshake = _spare.TryPop(out var spare) ? spare : new Handshake(guard);
        (handshake.Connection, handshake.Since) = (connection, since);
        return handshake;
    }

    public void Add(Handshake handshake)
    {
        (handshake.Connection, handshake.Address) = (null!, null);
        if (_spare.Count < Max)
        {
            _spare.Push(handshake);
        }
    }
}
