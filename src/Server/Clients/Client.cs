using System.Text;
using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Sessions;

namespace Relay.Clients;

/// <summary>
/// What a client's session is known as: at most one pairing code and one peer id, and the buckets that its messages are
/// counted in.
/// </summary>
internal sealed class Client(Session session)
{
    // Receive loop only.
    private TokenBucket _messages;

    // When the last ones were refused, as many as are too many within a minute; made when the first one is.
    private long[]? _refusals;
    private long _refused;

    // Written by the presence table under its lock; read anywhere.
    private volatile string? _code;
    private volatile string? _peerId;
    private volatile byte[]? _publicKey;
    private volatile string? _peerKey;
    private volatile bool _hasLeft;
    private volatile bool _hasReleased;

    /// <summary>Pair requests of this socket. Receive loop only.</summary>
    public TokenBucket PairRequests;

    /// <summary>Upstream messages of this socket. Receive loop only.</summary>
    public TokenBucket UpstreamMessages;

    /// <summary>Has stored hourly tokens, which are removed when it leaves. Written by the receive loop, then by the end of the session.</summary>
    public bool HoldsTokens;

    public Session Session => session;

    /// <summary>The pairing code that the socket is registered with.</summary>
    public string? Code
    {
        get => _code;
        set => _code = value;
    }

    /// <summary>The key that came with the code, as it came; empty before. ASCII, so it is kept as bytes.</summary>
    public string PublicKey
    {
        get => _publicKey is { } key ? Encoding.ASCII.GetString(key) : "";
        set => _publicKey = Encoding.ASCII.GetBytes(value);
    }

    /// <summary>The peer id that the socket is registered with.</summary>
    public string? PeerId
    {
        get => _peerId;
        set => _peerId = value;
    }

    /// <summary>The key that came with the peer id when it was claimed; null: none.</summary>
    public string? PeerKey
    {
        get => _peerKey;
        set => _peerKey = value;
    }

    /// <summary>True once the client is leaving and is not found any more.</summary>
    public bool HasLeft
    {
        get => _hasLeft;
        set => _hasLeft = value;
    }

    /// <summary>True once the client has no names any more, and never will.</summary>
    public bool HasReleased
    {
        get => _hasReleased;
        set => _hasReleased = value;
    }

    /// <summary>The one name that the socket goes by where a message gives none: its peer id, else its code; null: unregistered.</summary>
    public string? Name => _peerId ?? _code;

    public static Client Of(Session session) => (Client)session.State!;

    /// <summary>Queues a message; never blocks.</summary>
    public void Send(in EncodedMessage message) => session.Send(message);

    /// <summary>Queues an error; the socket stays.</summary>
    public void SendError(string text) => session.Send(MessageWriter.Error(text));

    /// <summary>
    /// The name that a message speaks for: its peerId, which the router has checked to be the socket's own if it has a name
    /// at all; missing, null or empty, the socket's own name; null when it has none.
    /// </summary>
    public string? NameIn(in ClientMessage message) => message.Text("peerId") is { Length: > 0 } given ? given : Name;

    public MessageRate CountMessage(Sessions.ClientSessionOptions options, long now, TimeProvider time)
    {
        var minute = TimeSpan.FromMinutes(1);
        if (_messages.TryTake(1, options.MessagesPerMinute, minute, now, time))
        {
            return MessageRate.Allowed;
        }

        var refusals = _refusals ??= new long[options.RefusedMessagesPerMinute];
        refusals[_refused++ % refusals.Length] = now;
        return _refused >= refusals.Length && time.GetElapsedTime(refusals[_refused % refusals.Length], now) <= minute
            ? MessageRate.Disconnect
            : MessageRate.Throttled;
    }
}

/// <summary>How fast a client sends.</summary>
internal enum MessageRate
{
    Allowed,

    /// <summary>Over the limit: the message is answered with an error and dropped.</summary>
    Throttled,

    /// <summary>Over the limit for so many messages that the socket is closed.</summary>
    Disconnect,
}
