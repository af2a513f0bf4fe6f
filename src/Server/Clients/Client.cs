using System.Text;
using Relay.Addresses;
using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Sessions;

namespace Relay.Clients;

/// <summary>
/// What a client's session is known as: at most one pairing code and one peer id, and the buckets that its messages are
/// counted in.
/// </summary>
internal sealed partial class Client(Session session) : Party
{
    // Receive loop only.
    private TokenBucket _messages;

    // Made when the first is needed: most clients need none.
    private SeldomUsed? _seldom;

    // Written by the presence table under its lock; read anywhere.
    private volatile string? _code;
    private volatile string? _peerId;
    private volatile byte[]? _publicKey;
    private volatile string? _peerKey;
    private volatile bool _hasLeft;
    private volatile bool _hasReleased;
    private volatile NameKind _claiming;

    /// <summary>Pair requests of this socket. Receive loop only.</summary>
    public ref TokenBucket PairRequests => ref Seldom.PairRequests;

    /// <summary>Upstream messages of this socket. Receive loop only.</summary>
    public ref TokenBucket UpstreamMessages => ref Seldom.UpstreamMessages;

    /// <summary>Has stored hourly tokens, which are removed when it leaves. Written by the receive loop; read anywhere.</summary>
    public volatile bool HoldsTokens;

    public Session Session => session;

    private SeldomUsed Seldom => _seldom ??= new SeldomUsed();

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

    public override bool HasLeft => _hasLeft;

    /// <summary>True once the client has no names any more, and never will.</summary>
    public bool HasReleased
    {
        get => _hasReleased;
        set => _hasReleased = value;
    }

    /// <summary>From now on <see cref="HasLeft"/>.</summary>
    public void MarkLeft() => _hasLeft = true;

    /// <summary>The name that the client has here, while the other relays of the cluster are asked whether they have it.</summary>
    public NameKind Claiming
    {
        get => _claiming;
        set => _claiming = value;
    }

    /// <summary>The one name that the socket goes by where a message gives none: its peer id, else its code; null: unregistered.</summary>
    public string? Name => _peerId ?? _code;

    public static Client Of(Session session) => (Client)session.State!;

    /// <summary>Sends what the client asked for; see <see cref="MessageSender.Send"/>.</summary>
    public void Send(in EncodedMessage message) => session.Send(message);

    /// <summary>Sends what another client caused, or refuses it; see <see cref="MessageSender.TryPass"/>.</summary>
    public SendResult TryPass(in EncodedMessage message, Client sender) => session.TryPass(message, sender.Session.Key);

    /// <summary>The same by what that client's address counts by.</summary>
    public SendResult TryPass(in EncodedMessage message, in IpKey sender) => session.TryPass(message, sender);

    /// <summary>The same where that client hears nothing of it; see <see cref="MessageSender.Pass"/>.</summary>
    public void Pass(in EncodedMessage message, Client sender) => session.Pass(message, sender.Session.Key);

    /// <summary>The same by what that client's address counts by.</summary>
    public void Pass(in EncodedMessage message, in IpKey sender) => session.Pass(message, sender);

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

        var seldom = Seldom;
        var refusals = seldom.Refusals ??= new long[options.RefusedMessagesPerMinute];
        refusals[seldom.Refused++ % refusals.Length] = now;
        return seldom.Refused >= refusals.Length && time.GetElapsedTime(refusals[seldom.Refused % refusals.Length], now) <= minute
            ? MessageRate.Disconnect
            : MessageRate.Throttled;
    }

    // Receive loop only.
    private sealed class SeldomUsed
    {
        public TokenBucket PairRequests;
        public TokenBucket UpstreamMessages;

        // When the last messages were refused, as many as are too many within a minute; made when the first one is.
        public long[]? Refusals;
        public long Refused;
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
