namespace Relay.Protocol.Moving;

/// <summary>Clients that come from another process, by the numbers of their sessions there, which they keep.</summary>
/// <param name="takeDescriptor">The socket of the part that is being read, which is the caller's from then on.</param>
internal sealed class Arrivals(MovedTime time, Func<int> takeDescriptor)
{
    private readonly Dictionary<long, object> _clients = [];

    public MovedTime Time => time;

    public int Count => _clients.Count;

    /// <summary>Those that cannot be taken in here.</summary>
    public List<long> Refused { get; } = [];

    public int TakeDescriptor() => takeDescriptor();

    /// <summary>Who has come, as the owner of that kind of object knows it.</summary>
    public void Add(long session, object client) => _clients[session] = client;

    /// <summary>Null: the client has not come.</summary>
    public T? Find<T>(long session)
        where T : class => _clients.GetValueOrDefault(session) as T;
}
