namespace Relay.Federation.Gossip;

/// <summary>Pings that were sent for others, who are told when they are answered. Guarded like <see cref="Member"/>.</summary>
internal sealed class ServedPings(GossipOutbox outbox, MembershipClock clock)
{
    private const int Max = 64;

    private readonly List<(Member Target, GossipLink Requester, TimeSpan Since)> _served = [];

    public void Add(Member target, GossipLink requester)
    {
        _served.RemoveAll(served => clock.Now - served.Since > GossipLimits.PingInterval);
        if (_served.Count < Max)
        {
            _served.Add((target, requester, clock.Now));
        }
    }

    /// <summary>The member answers.</summary>
    public void Heard(Member member)
    {
        for (var i = _served.Count - 1; i >= 0; i--)
        {
            var (target, requester, since) = _served[i];
            if (target == member)
            {
                _served.RemoveAt(i);
                if (requester.Member.Link == requester && clock.Now - since <= GossipLimits.PingInterval)
                {
                    outbox.Report(requester, member.ServerId);
                }
            }
        }
    }
}
