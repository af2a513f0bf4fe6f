using Relay.Addresses;
using Relay.Clients;
using Relay.RateLimiting;

namespace Relay.Channels;

/// <summary>One channel: who owns it, who subscribes, what is live and what waits. Guarded by the directory's lock.</summary>
internal sealed class Channel(string id, DateTimeOffset createdAt)
{
    // True: the subscriber knows what is live and gets what comes; false: it is being notified.
    private readonly Dictionary<Client, bool> _subscribers = [];
    private Client[]? _audience = [];

    public string Id => id;

    public DateTimeOffset CreatedAt => createdAt;

    public Client? Owner { get; set; }

    /// <summary>Becomes the owner unless another relay's client is: these are being asked.</summary>
    public Client? Claimant { get; set; }

    /// <summary>What subscribers were told of last, or are being told of: the owner's stream, be the owner here or at another relay.</summary>
    public LiveStream? Stream { get; set; }

    /// <summary>What is known of the channel at other relays.</summary>
    public ChannelElsewhere Elsewhere { get; } = new();

    public int SubscriberCount => _subscribers.Count;

    /// <summary>Who gets what comes. Made anew when it changes and never changed, so that it may be used without the lock.</summary>
    public Client[] Audience => _audience ??= [.. _subscribers.Where(pair => pair.Value).Select(pair => pair.Key)];

    /// <summary>Upstream messages that wait for the owner, the oldest first.</summary>
    public LinkedList<WaitingMessage> Waiting { get; } = [];

    /// <summary>Whose they are; null while none waits.</summary>
    public FairPool<WaitingMessage>? WaitingShares { get; set; }

    public long WaitingBytes { get; set; }

    /// <summary>True while one thread hands the owner what waits: two would mix up the order.</summary>
    public bool IsDelivering { get; set; }

    /// <summary>Addresses of which the owner takes no more in the delivery that is under way; null: none.</summary>
    public HashSet<IpKey>? Refused { get; set; }

    /// <summary>Registrations that the owner has not been notified of, because what waited comes first.</summary>
    public int Confirmations { get; set; }

    public long FramesSent { get; set; }

    public long FramesDropped { get; set; }

    public bool IsEmpty => Owner is null && Claimant is null && _subscribers.Count == 0 && Waiting.Count == 0;

    /// <summary>Whether other relays' owners matter to it: then this relay hears what they say to the channel.</summary>
    public bool HearsOthers => _subscribers.Count > 0 || Waiting.Count > 0;

    /// <summary>All of them, and whether each gets what comes.</summary>
    public IReadOnlyDictionary<Client, bool> Subscribers => _subscribers;

    public bool HasSubscriber(Client client) => _subscribers.ContainsKey(client);

    public void SetSubscriber(Client client, bool ready)
    {
        _subscribers[client] = ready;
        _audience = null;
    }

    public void RemoveSubscriber(Client client)
    {
        _subscribers.Remove(client);
        _audience = null;
    }
}
