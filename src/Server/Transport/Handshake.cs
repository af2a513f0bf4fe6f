using Relay.Addresses;

namespace Relay.Transport;

/// <summary>One unfinished connection, with its places among the others. Guarded by the lock of its guard.</summary>
internal sealed class Handshake(HandshakeGuard guard, Connection connection, long since)
{
    public HandshakeGuard Guard => guard;

    public Connection Connection { get; set; } = connection;

    /// <summary>When it was accepted.</summary>
    public long Since => since;

    /// <summary>Whose it is; null: a proxy's that has not said so yet.</summary>
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
