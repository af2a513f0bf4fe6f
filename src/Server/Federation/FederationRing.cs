using Relay.Federation.Gossip;
using Relay.Federation.Ring;
using Relay.Identity;
using Relay.Protocol;

namespace Relay.Federation;

/// <summary>The ring of the federation as it is now. A server that has no peers is all of it, and sends nobody elsewhere. Thread-safe.</summary>
internal sealed class FederationRing
{
    private readonly string _own;
    private readonly FederationOptions _options;

    // Guarded by whoever sets it: positions cost some microseconds each, and most servers stay.
    private Dictionary<(string ServerId, string Endpoint), RingMember> _members = [];

    private volatile State _state;

    public FederationRing(ServerIdentity identity, IdentityOptions self, FederationOptions options)
    {
        (_own, _options) = (identity.ServerId, options);
        _state = Build([new LocalServer(identity.ServerId, identity.NodeId, identity.PublicKeyBase64, self.PublicEndpoint, self.Region)]);
    }

    public bool IsAlone => _state.Router.IsAlone;

    /// <summary>Other servers own it now; one call at a time.</summary>
    public void Set(IReadOnlyList<LocalServer> owners) => _state = Build(owners);

    /// <summary>Where clients that register this code are sent; null: nowhere.</summary>
    public IReadOnlyList<ServerRedirect>? RedirectsOf(string code) =>
        _state.Router.OfCode(code) is [_, ..] redirects ? [.. redirects.Select(redirect => new ServerRedirect(redirect.ServerId, redirect.Endpoint))] : null;

    /// <summary>Which points and tokens are kept here, and which the client is to bring to others.</summary>
    public RendezvousRoute Route(IReadOnlyList<string> points, IReadOnlyList<string> tokens) => _state.Router.Route(points, tokens);

    /// <summary>The owners of a code, point or token, the first one first.</summary>
    public IReadOnlyList<RingMember> OwnersOf(string text) => _state.Ring.Owners(text, _options.ReplicationFactor);

    /// <summary>True when this server is an owner.</summary>
    public bool IsLocal(string text) => OwnersOf(text).Any(owner => owner.ServerId == _own);

    /// <summary>The share of the ring of which this server is the first owner, 0 to 1.</summary>
    public double OwnShare => _state.Ring.ShareOf(_own);

    /// <summary>Every server on the ring, by id, and the part of it that it is the first owner of, 0 to 1.</summary>
    public IReadOnlyList<(RingMember Owner, double Share)> Shares()
    {
        var ring = _state.Ring;
        return [.. ring.Members.OrderBy(member => member.ServerId, StringComparer.Ordinal).Select(member => (member, ring.ShareOf(member.ServerId)))];
    }

    private State Build(IReadOnlyList<LocalServer> owners)
    {
        _members = owners.ToDictionary(
            owner => (owner.ServerId, owner.Endpoint),
            owner => _members.GetValueOrDefault((owner.ServerId, owner.Endpoint)) ?? new RingMember(owner.ServerId, owner.NodeId, owner.Endpoint, _options.VirtualNodes));
        var ring = new HashRing([.. _members.Values]);
        return new State(ring, new RingRouter(ring, _own, _options.ReplicationFactor));
    }

    private sealed record State(HashRing Ring, RingRouter Router);
}
