using Relay.Addresses;
using Relay.Identity;
using Relay.Protocol;

namespace Relay.Federation;

/// <summary>Decides whether a peer server is who it says and may come in; the cheap questions before the signature.</summary>
internal sealed class HandshakeVerifier
{
    private readonly FederationOptions _options;
    private readonly ServerIdentity _identity;
    private readonly ReplayCache _replays;
    private readonly TimeProvider _time;
    private readonly HashSet<string> _listed;

    public HandshakeVerifier(FederationOptions options, ServerIdentity identity, ReplayCache replays, TimeProvider time)
    {
        _options = options;
        _identity = identity;
        _replays = replays;
        _time = time;
        _listed = options.Servers
            .Select(server => ServerId.TryParse(server, out var key) ? ServerId.Format(key) : server)
            .ToHashSet(StringComparer.Ordinal);
    }

    public CloseReason Verify(ReadOnlySpan<byte> message, IpKey address, out PeerHandshake? handshake)
    {
        var reason = PeerHandshake.TryParse(message, out handshake);
        if (reason != CloseReason.None)
        {
            return reason;
        }

        // Our own acknowledgement, sent back to us under another type, carries a good signature.
        if (handshake!.ServerId == _identity.ServerId)
        {
            return CloseReason.HandshakeInvalid;
        }

        if (_options.Admit == FederationAdmit.Listed && !_listed.Contains(handshake.ServerId))
        {
            return CloseReason.ServerNotListed;
        }

        if (!handshake.IsSigned)
        {
            return CloseReason.HandshakeInvalid;
        }

        if (!IsForUs(handshake))
        {
            return CloseReason.HandshakeAudience;
        }

        if ((_time.GetUtcNow() - handshake.SignedAt).Duration() > _options.Freshness)
        {
            return CloseReason.HandshakeStale;
        }

        return _replays.TryAdd(address, handshake.Signature) ? CloseReason.None : CloseReason.HandshakeReplayed;
    }

    // The type of a message is not signed, and its kind is: an acknowledgement is no handshake. One key may be written in two ways.
    private bool IsForUs(PeerHandshake handshake) =>
        (handshake.Kind is null ? !_options.RequireAudience : handshake.Kind == PeerHandshake.TypeName)
        && (handshake.Audience is null
            ? !_options.RequireAudience
            : ServerId.TryParse(handshake.Audience, out var key) && key.AsSpan().SequenceEqual(_identity.PublicKey));
}
