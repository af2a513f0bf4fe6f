using Relay.Identity;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Federation;

/// <summary>From a socket's first message to an authenticated link: verifies it, registers it, answers it. Shared by all links.</summary>
internal sealed partial class PeerAuthenticator(
    HandshakeVerifier verifier,
    PeerTable peers,
    PeerBook book,
    PeerGossip gossip,
    ServerIdentity identity,
    IdentityOptions self,
    PeerCounts counts,
    TimeProvider time,
    ILogger<PeerAuthenticator> logger)
{
    public PeerGossip Gossip => gossip;

    public TimeProvider Time => time;

    /// <summary>True when the settings admit the server and no operator has blocked it.</summary>
    public bool Admits(string serverId) => verifier.Admits(serverId) && !book.IsBlocked(serverId);

    /// <summary>Our own handshake, to a server that was dialled.</summary>
    /// <param name="session">The session with it.</param>
    /// <param name="expected">Who it should be; null: not known.</param>
    public void SendHandshake(Session session, string? expected) => session.Send(EncodedMessage.CopyOf(PeerMessages.SendHandshake(identity, self, expected, time)));

    /// <summary>False when the peer was refused and its session is closing.</summary>
    public bool TryAuthenticate(PeerLink link, Session session, ReadOnlySpan<byte> message, string? expected = null)
    {
        var reason = link.IsDialled
            ? verifier.VerifyAnswer(message, link.Key, expected, out var peer)
            : verifier.Verify(message, link.Key, out peer);
        var (replaced, displaced) = ((PeerLink?)null, (PeerLink?)null);
        if (reason == CloseReason.None && book.IsBlocked(peer!.ServerId))
        {
            reason = CloseReason.ServerBlocked;
        }

        if (reason == CloseReason.None)
        {
            reason = peers.TryAuthenticate(link, peer!, identity.ServerId, out replaced, out displaced);
        }

        if (reason != CloseReason.None)
        {
            counts.Refused(reason);
            Log.Refused(logger, link.Address, CloseReasons.Label(reason));
            session.Close(reason);
            return false;
        }

        replaced?.Session?.Close(CloseReason.DuplicateLink);
        CloseDisplaced(displaced);
        if (!link.IsDialled)
        {
            session.Send(EncodedMessage.CopyOf(PeerMessages.Acknowledge(identity, self, peer!.ServerId, time)));
        }

        Log.Authenticated(logger, Short(peer!.ServerId), link.IsDialled ? "dialled at" : "connected from", link.Address);
        var refusal = !gossip.Opened(link) ? CloseReason.PeerLimit

            // Blocked since it was asked above, when there was no link to close yet.
            : book.IsBlocked(peer.ServerId) ? CloseReason.ServerBlocked
            : CloseReason.None;
        if (refusal != CloseReason.None)
        {
            counts.Refused(refusal);
            session.Close(refusal);
        }

        return true;
    }

    /// <summary>Closes a link that has lost its slot to another; one that has not opened yet closes when it does.</summary>
    public void CloseDisplaced(PeerLink? displaced)
    {
        if (displaced is not null)
        {
            counts.Refused(CloseReason.PeerLimit);
            displaced.Session?.Close(CloseReason.PeerLimit);
        }
    }

    // Enough to tell servers apart.
    private static string Short(string serverId)
    {
        var key = serverId.AsSpan(serverId.IndexOf(':') + 1);
        return $"{key[..4]}…{key[^4..]}";
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Peer server {Peer} {How} {Address}")]
        public static partial void Authenticated(ILogger logger, string peer, string how, System.Net.IPAddress address);

        [LoggerMessage(2, LogLevel.Debug, "Peer server at {Address} refused: {Reason}")]
        public static partial void Refused(ILogger logger, System.Net.IPAddress address, string reason);
    }
}
