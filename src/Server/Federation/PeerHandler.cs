using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Sessions;

namespace Relay.Federation;

/// <summary>The messages of one peer server: a handshake, then gossip, which is counted and goes no further.</summary>
internal sealed class PeerHandler(PeerLink link, PeerAuthenticator welcome) : ISessionHandler
{
    // A server of ours sends one ping and one answer a second; the rest is room for bursts.
    public const int MessagesPerMinute = 1000;

    private static readonly TimeSpan OneMinute = TimeSpan.FromMinutes(1);

    // Receive loop only.
    private TokenBucket _messages;
    private bool _proven;

    public void OnOpened(Session session)
    {
        // Peers have a deadline of their own, not the one for clients that register as nothing.
        session.AddRegistration();
        session.State = link;
        link.Session = session;
        if (!link.HasPlace)
        {
            session.Close(CloseReason.PeerLimit);
        }
    }

    public ValueTask OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt)
    {
        if (!_proven)
        {
            _proven = welcome.TryProve(link, session, message.Span);
        }
        else if (!_messages.TryTake(1, MessagesPerMinute, OneMinute, welcome.Time))
        {
            session.Close(CloseReason.RateLimited);
        }
        else
        {
            link.FrameArrived();
            if (PeerMessages.IsGossip(message.Span))
            {
                welcome.Counts.GossipFrameIgnored();
            }
        }

        return ValueTask.CompletedTask;
    }

    public void OnClosed(Session session)
    {
        link.Dispose();
        session.RemoveRegistration();
    }
}
