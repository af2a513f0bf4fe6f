namespace Relay.Protocol.Moving;

/// <summary>
/// Something that knows of clients, and takes its knowledge along when they move to another process. Everything is called in the standstill,
/// by one thread; what the old process does not take back is never written by both.
/// </summary>
internal interface IMovable
{
    /// <summary>The old process: sessions of clients that have to stay where they are.</summary>
    IEnumerable<long> Staying() => [];

    /// <summary>The old process: writes what it knows, of those who move as of whatever else outlives them. Changes nothing.</summary>
    void Write(Departure departure);

    /// <summary>The new process: takes a part that the same class has written; false: it is another's.</summary>
    bool TryRead(MovedPart part, Arrivals arrivals);

    /// <summary>The new process: everything has been read. Those who have moved may be told of those who have not.</summary>
    void Complete(Arrivals arrivals)
    {
    }
}
