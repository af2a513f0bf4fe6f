using Relay.Identity;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Federation;

/// <summary>From a socket's first message to an authenticated link: verifies it, registers it, answers it. Shared by all links.</summary>
internal sealed partial class PeerAuthenticator(
    HandshakeVerifier verifier,
    PeerTable peers,
    ServerIdentity identity,
    IdentityOptions self,
    PeerCounts counts,
    TimeProvider time,
    ILogger<PeerAuthenticator> logger)
{
    public PeerCounts Counts => counts;

    public TimeProvider Time => time;

    /// <summary>False when the peer was refused and its session is closing.</summary>
    public bool TryProve(PeerLink link, Session session, ReadOnlySpan<byte> message)
    {
        var reason = verifier.Verify(message, link.Key, out var peer);
        var (replaced, displaced) = ((PeerLink?)null, (PeerLink?)null);
        if (reason == CloseReason.None)
        {
            reason = peers.TryProve(link, peer!, identity.ServerId, out replaced, out displaced);
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
        session.Send(EncodedMessage.CopyOf(PeerMessages.Acknowledge(identity, self, peer!.ServerId, time)));
        Log.Authenticated(logger, Short(peer.ServerId), link.Address);
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
        [LoggerMessage(1, LogLevel.Information, "Peer server {Peer} connected from {Address}")]
        public static partial void Authenticated(ILogger logger, string peer, System.Net.IPAddress address);

        [LoggerMessage(2, LogLevel.Debug, "Peer server at {Address} refused: {Reason}")]
        public static partial void Refused(ILogger logger, System.Net.IPAddress address, string reason);
    }
}
