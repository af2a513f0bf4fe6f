using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Sessions;

namespace Relay.Federation;

/// <summary>The messages of one peer server: a handshake, or the answer to ours, then gossip.</summary>
/// <param name="link">Its link.</param>
/// <param name="authenticator">What all links share.</param>
/// <param name="expected">Whom this relay has dialled; null: it does not know, or was dialled.</param>
/// <param name="onAuthenticated">Told the server's id once it is authenticated; on the session's thread.</param>
internal sealed class PeerHandler(PeerLink link, PeerAuthenticator authenticator, string? expected = null, Action<string>? onAuthenticated = null)
    : ISessionHandler
{
    // A server of ours sends one ping and one answer a second; the rest is room for bursts.
    public const int MessagesPerMinute = 1000;

    private static readonly TimeSpan OneMinute = TimeSpan.FromMinutes(1);

    // Receive loop only.
    private TokenBucket _messages;
    private bool _isAuthenticated;

    public void OnOpened(Session session)
    {
        // Peers have a deadline of their own, not the one for clients that register as nothing.
        session.AddRegistration();
        session.State = link;
        link.Session = session;
        if (!link.HasSlot)
        {
            session.Close(CloseReason.PeerLimit);
        }
        else if (link.IsDialled)
        {
            authenticator.SendHandshake(session, expected);
        }
    }

    public ValueTask OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt)
    {
        if (!_isAuthenticated)
        {
            _isAuthenticated = authenticator.TryAuthenticate(link, session, message.Span, expected);
            if (_isAuthenticated)
            {
                onAuthenticated?.Invoke(link.Peer!.ServerId);
            }
        }
        else if (!_messages.TryTake(1, MessagesPerMinute, OneMinute, authenticator.Time))
        {
            session.Close(CloseReason.RateLimited);
        }
        else
        {
            link.FrameArrived();
            authenticator.Gossip.Received(link, message);
        }

        return ValueTask.CompletedTask;
    }

    public void OnClosed(Session session)
    {
        if (_isAuthenticated)
        {
            authenticator.Gossip.Closed(link);
        }

        link.Dispose();
        session.RemoveRegistration();
    }
}
