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
        _listed = options.Admitted
            .Select(server => ServerId.TryParse(server, out var key) ? ServerId.Format(key) : server)
            .ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>True when the settings admit this server.</summary>
    public bool Admits(string serverId) => _options.Admit == FederationAdmit.Any || _listed.Contains(serverId);

    /// <summary>A handshake that came in.</summary>
    public CloseReason Verify(ReadOnlySpan<byte> message, IpKey address, out PeerHandshake? handshake)
    {
        var reason = PeerHandshake.TryParse(message, out handshake);
        return reason != CloseReason.None ? reason : Verify(handshake!, PeerHandshake.TypeName, address);
    }

    /// <summary>The answer to a handshake of ours, which must be of the server that was dialled; <paramref name="expected"/> null: of whichever server is there.</summary>
    public CloseReason VerifyAnswer(ReadOnlySpan<byte> message, IpKey address, string? expected, out PeerHandshake? handshake)
    {
        var reason = PeerHandshake.TryParse(message, out handshake, PeerHandshake.AnswerTypeName);
        return reason != CloseReason.None ? reason
            : handshake!.ServerId == _identity.ServerId || (expected is not null && handshake.ServerId != expected) ? CloseReason.ServerMismatch
            : Verify(handshake, PeerHandshake.AnswerTypeName, address);
    }

    private CloseReason Verify(PeerHandshake handshake, string kind, IpKey address)
    {

        // Our own acknowledgement, sent back to us under another type, carries a good signature.
        if (handshake.ServerId == _identity.ServerId)
        {
            return CloseReason.HandshakeInvalid;
        }

        if (!Admits(handshake.ServerId))
        {
            return CloseReason.ServerNotListed;
        }

        if (!handshake.IsSigned)
        {
            return CloseReason.HandshakeInvalid;
        }

        if (!IsForUs(handshake, kind))
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
    private bool IsForUs(PeerHandshake handshake, string kind) =>
        (handshake.Kind is null ? !_options.RequireAudience : handshake.Kind == kind)
        && (handshake.Audience is null
            ? !_options.RequireAudience
            : ServerId.TryParse(handshake.Audience, out var key) && key.AsSpan().SequenceEqual(_identity.PublicKey));
}
