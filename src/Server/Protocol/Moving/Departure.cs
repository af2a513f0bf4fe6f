namespace Relay.Protocol.Moving;

/// <summary>Clients that leave this process for another one, and where all that is known of them is written.</summary>
/// <param name="staying">Sessions of clients that do not leave.</param>
/// <param name="write">A part, and the descriptor that belongs to it or -1.</param>
internal sealed class Departure(MovedTime time, IReadOnlySet<long> staying, Action<MovedPart, int> write)
{
    private readonly HashSet<long> _sessions = [];

    public MovedTime Time => time;

    /// <summary>Sessions of clients that do not leave, whatever they are.</summary>
    public IReadOnlySet<long> Staying => staying;

    /// <summary>Of clients.</summary>
    public IReadOnlySet<long> Sessions => _sessions;

    /// <summary>Whether the client of this session moves.</summary>
    public bool Takes(long session) => _sessions.Contains(session);

    public void Write(MovedPart part) => write(part, -1);

    /// <summary>A client and its socket, which stays open here too.</summary>
    public void Write(MovedClient client, int descriptor)
    {
        _sessions.Add(client.Session);
        write(new MovedPart { Client = client }, descriptor);
    }

    /// <summary>A connection that is nobody's yet.</summary>
    public void Write(MovedHandshake handshake, int descriptor) => write(new MovedPart { Handshake = handshake }, descriptor);
}
