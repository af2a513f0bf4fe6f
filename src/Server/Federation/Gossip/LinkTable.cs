namespace Relay.Federation.Gossip;

/// <summary>The links of members by number; a member has one at most. Guarded like <see cref="Member"/>.</summary>
internal sealed class LinkTable(MemberTable members, MembershipClock clock)
{
    private readonly Dictionary<long, GossipLink> _links = [];

    public IReadOnlyCollection<GossipLink> All => _links.Values;

    public GossipLink? Find(long number) => _links.GetValueOrDefault(number);

    /// <summary>Makes it the member's link, in place of one that it has.</summary>
    public void Add(GossipLink link)
    {
        if (link.Member.Link is { } old)
        {
            _links.Remove(old.Id);
        }

        link.Member.Link = link;
        _links.Add(link.Id, link);
        members.HasChanged = true;
    }

    /// <summary>The link ended by itself. Null where it is not, or no longer, the one of a member.</summary>
    public Member? Remove(long number)
    {
        if (!_links.Remove(number, out var link))
        {
            return null;
        }

        Clear(link.Member);
        return link.Member;
    }

    /// <summary>Takes a member's link from it and has it closed.</summary>
    public void Detach(Member member, MemberState why)
    {
        if (member.Link is { } link)
        {
            _links.Remove(link.Id);
            Clear(member);
            members.Raise(new CloseLink(link.Id, why));
        }
    }

    private void Clear(Member member)
    {
        (member.Link, member.LinkLostAt, member.PingSentAt) = (null, clock.Now, null);
        members.HasChanged = true;
    }
}
