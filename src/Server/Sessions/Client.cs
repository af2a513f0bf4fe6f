using Relay.Admission;

namespace Relay.Sessions;

/// <summary>
/// What a client's session is known as: at most one pairing code and one peer id, and the buckets that its messages are
/// counted in.
/// </summary>
internal sealed class Client(Session session)
{
    // Receive loop only.
    private TokenBucket _messages;
    private long _refusedSince;
    private int _refused;

    // Written by the table that owns the name, under that table's lock; read anywhere.
    private volatile string? _code;
    private volatile string? _peerId;

    /// <summary>Pair requests of this socket. Receive loop only.</summary>
    public TokenBucket PairRequests;

    public Session Session => session;

    /// <summary>The pairing code that the socket is registered with.</summary>
    public string? Code
    {
        get => _code;
        set => _code = value;
    }

    /// <summary>The peer id that the socket is registered with.</summary>
    public string? PeerId
    {
        get => _peerId;
        set => _peerId = value;
    }

    public static Client Of(Session session) => (Client)session.State!;

    public MessageRate CountMessage(SessionOptions options, TimeProvider time)
    {
        var minute = TimeSpan.FromMinutes(1);
        if (_messages.TryTake(1, options.MessagesPerMinute, minute, time))
        {
            return MessageRate.Fine;
        }

        if (_refused == 0 || time.GetElapsedTime(_refusedSince) > minute)
        {
            _refused = 0;
            _refusedSince = time.GetTimestamp();
        }

        return ++_refused >= options.RefusedMessagesPerMinute ? MessageRate.Hopeless : MessageRate.TooFast;
    }
}

/// <summary>How fast a client sends.</summary>
internal enum MessageRate
{
    Fine,

    /// <summary>Over the limit: the message is answered with an error and dropped.</summary>
    TooFast,

    /// <summary>Over the limit for so many messages that the socket is closed.</summary>
    Hopeless,
}
