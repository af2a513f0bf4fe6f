namespace Relay.Federation.Gossip;

/// <summary>Which members own the ring. Guarded like <see cref="Member"/>.</summary>
internal sealed class RingOwners(LocalServer self, MemberTable members)
{
    private HashSet<(string ServerId, string Endpoint)> _known = [];

    /// <summary>
    /// This server, and alive members with a link and an endpoint that is allowed. Of several that name one endpoint the one that was there
    /// first, and nobody who names ours.
    /// </summary>
    public IReadOnlyList<LocalServer> List()
    {
        var endpoints = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { EndpointRule.Normal(self.Endpoint) };
        var owners = new List<LocalServer> { self };
        foreach (var member in members.All.Where(member => member.IsLinkedAndAlive && member.Endpoint.Length > 0).OrderBy(member => member.Since))
        {
            if (endpoints.Add(EndpointRule.Normal(member.Endpoint)))
            {
                owners.Add(new LocalServer(member.ServerId, member.NodeId, member.PublicKey, member.Endpoint, member.Region));
            }
        }

        return owners;
    }

    public bool Contains(Member member) => _known.Contains((member.ServerId, member.Endpoint));

    /// <summary>After every call of the membership: whoever keeps the ring hears of a change once.</summary>
    public void Update()
    {
        if (!members.HasChanged)
        {
            return;
        }

        members.HasChanged = false;
        var owners = List().Select(owner => (owner.ServerId, owner.Endpoint)).ToHashSet();
        if (!owners.SetEquals(_known))
        {
            _known = owners;
            members.Raise(new OwnersChanged());
        }
    }
}
