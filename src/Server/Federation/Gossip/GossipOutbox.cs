namespace Relay.Federation.Gossip;

/// <summary>Messages to others, with the members that are mentioned beside them. Guarded like <see cref="Member"/>.</summary>
internal sealed class GossipOutbox(
    LocalServer self, OwnIncarnation incarnation, MemberTable members, MembershipClock clock, Random random)
{
    // What changed within this time is mentioned first, so that a failure is known to all within seconds.
    private static readonly TimeSpan News = TimeSpan.FromSeconds(10);

    private Mention[] _mentions = [];
    private TimeSpan _mentionsMadeAt;
    private long _mentionedIncarnation = -1;

    public void Send(GossipLink? link, GossipBody body)
    {
        if (link is not null)
        {
            members.Raise(new SendGossip(link.Id, body, Mentions()));
        }
    }

    /// <summary>Tells some members, chosen at random.</summary>
    public void Tell(Member except, GossipBody body)
    {
        foreach (var member in Choose(GossipLimits.Fanout, except))
        {
            Send(member.Link, body);
        }
    }

    /// <summary>So many members with a link that are alive, chosen at random, without one of them.</summary>
    public List<Member> Choose(int count, Member? except)
    {
        // One look at each, and each is as likely as any other.
        var chosen = new List<Member>(count);
        var seen = 0;
        foreach (var member in members.All)
        {
            if (!member.IsLinkedAndAlive || member == except)
            {
                continue;
            }

            seen++;
            if (chosen.Count < count)
            {
                chosen.Add(member);
            }
            else if (random.Next(seen) is var index && index < count)
            {
                chosen[index] = member;
            }
        }

        return chosen;
    }

    /// <summary>Tells whoever asked for it that a member answers.</summary>
    public void Report(GossipLink requester, string target) => Send(requester, new PingAck(incarnation.Value, target));

    /// <summary>Sends members in pages below the frame limit; every page is a message of its own.</summary>
    /// <param name="listed">Who is omitted, because the receiver has just named them itself.</param>
    public void Sync(GossipLink link, HashSet<string>? listed)
    {
        link.SyncSent();
        var page = new List<MemberRecord> { OwnRecord() };
        var bytes = SizeOf(page[0]);
        foreach (var member in members.All)
        {
            // What is passed on, we have seen ourselves.
            if (member.State is not (MemberState.Alive or MemberState.Suspect) || member.Endpoint.Length == 0 || listed?.Contains(member.ServerId) == true)
            {
                continue;
            }

            var record = RecordOf(member);
            if (bytes + SizeOf(record) > GossipLimits.PageBytes)
            {
                Send(link, new StateSync(page));
                (page, bytes) = ([], 0);
            }

            page.Add(record);
            bytes += SizeOf(record);
        }

        Send(link, new StateSync(page));
    }

    private Mention[] Mentions()
    {
        var now = clock.Now;
        if (_mentionedIncarnation != incarnation.Value || now - _mentionsMadeAt >= GossipLimits.TickInterval)
        {
            var others = members.All
                .Where(member => member.Endpoint.Length > 0 && member.State is MemberState.Alive or MemberState.Suspect or MemberState.Failed)
                .Where(member => member.State == MemberState.Alive || now - member.Since < News)
                .OrderByDescending(member => member.State == MemberState.Alive ? 0 : 1)
                .ThenByDescending(member => member.LastHeard)
                .Take(GossipLimits.MaxMentions - 1)
                .Select(member => new Mention(member.ServerId, member.State, member.Incarnation, member.Endpoint, member.NodeId));
            _mentions = [new Mention(self.ServerId, MemberState.Alive, incarnation.Value, self.Endpoint, self.NodeId), .. others];
            (_mentionsMadeAt, _mentionedIncarnation) = (now, incarnation.Value);
        }

        return _mentions;
    }

    private MemberRecord OwnRecord() => new(
        self.ServerId, self.NodeId, self.Endpoint, self.PublicKey, MemberState.Alive, incarnation.Value, clock.UtcNow.ToUnixTimeMilliseconds(), self.Region);

    private MemberRecord RecordOf(Member member) => new(
        member.ServerId,
        member.NodeId,
        member.Endpoint,
        member.PublicKey,
        member.State,
        member.Incarnation,
        (clock.UtcNow - (clock.Now - (member.LastHeard ?? TimeSpan.Zero))).ToUnixTimeMilliseconds(),
        member.Region);

    // Names, ids, key and numbers take less than 400; a region's characters up to six bytes each.
    private static int SizeOf(MemberRecord record) => 400 + record.Endpoint.Length + (6 * record.Region.Length);
}
