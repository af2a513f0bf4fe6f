namespace Relay.Federation.Gossip;

/// <summary>
/// Finds members that do not answer: a ping, then pings through others, then suspicion, then failure. Only what we see ourselves counts; what
/// others say makes us look. Guarded like <see cref="Member"/>.
/// </summary>
internal sealed class FailureDetector(MemberTable members, LinkTable links, GossipOutbox outbox, MembershipClock clock, Random random)
{
    private const int HintsPerTick = 3;

    private static readonly TimeSpan WithoutLinkProbe = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Member, Probe> _probes = [];
    private readonly Queue<Member> _hints = new();
    private readonly ServedPings _served = new(outbox, clock);
    private readonly Queue<Member> _round = new();

    // Not all servers that are started together ping at the same moment.
    private TimeSpan _nextPing = GossipLimits.PingInterval * random.NextDouble();
    private TimeSpan _lastTick = clock.Now;

    /// <summary>Others say that it does not answer: look soon, unless it has just spoken to us.</summary>
    public void Hint(Member member)
    {
        if (member.State == MemberState.Alive
            && clock.Now - member.LastHeard > GossipLimits.PingInterval
            && !_probes.ContainsKey(member)
            && !_hints.Contains(member))
        {
            _hints.Enqueue(member);
        }
    }

    /// <summary>Its link is gone: ask others at once.</summary>
    public void LinkLost(Member member)
    {
        if (member.State == MemberState.Alive)
        {
            AskOthers(member, "its link is gone");
        }
    }

    /// <summary>It has spoken to us itself.</summary>
    public void Heard(Member member)
    {
        member.LastHeard = clock.Now;
        _probes.Remove(member);
        if (member.State == MemberState.Suspect)
        {
            members.Change(member, MemberState.Alive, "it answers");
        }

        _served.Heard(member);
    }

    /// <summary>Somebody we have asked says that it answers. It keeps a member for a while, not for ever: see <see cref="GossipLimits.MaxWithoutLink"/>.</summary>
    public void AnsweredThrough(Member member, Member proxy)
    {
        if (!_probes.TryGetValue(member, out var probe) || !probe.Proxies.Contains(proxy))
        {
            return;
        }

        _probes.Remove(member);
        if (member.State == MemberState.Suspect)
        {
            members.Change(member, MemberState.Alive, "it answers through others");
        }
    }

    /// <summary>Pings a member with a link for somebody else.</summary>
    /// <param name="report">Who asks is told when it answers.</param>
    public void PingFor(GossipLink requester, Member target, bool report)
    {
        if (report)
        {
            _served.Add(target, requester);
        }

        SendPing(target);
    }

    /// <summary>The member is no longer of interest.</summary>
    public void Forget(Member member) => _probes.Remove(member);

    public void Tick()
    {
        var now = clock.Now;
        if (now - _lastTick > GossipLimits.LateTick)
        {
            BeginAnew(now, now - _lastTick);
        }

        _lastTick = now;
        foreach (var (member, probe) in _probes.ToArray())
        {
            if (now >= probe.Deadline)
            {
                Advance(member, probe);
            }
        }

        foreach (var member in members.All.ToArray())
        {
            Watch(member, now);
        }

        for (var i = 0; i < HintsPerTick && _hints.TryDequeue(out var hinted); i++)
        {
            Ask(hinted);
        }

        if (now >= _nextPing)
        {
            _nextPing = now + GossipLimits.PingInterval;
            PingNext();
        }
    }

    // It was this process that stood still: its members may have answered for all it knows.
    private void BeginAnew(TimeSpan now, TimeSpan gap)
    {
        _probes.Clear();
        foreach (var member in members.All)
        {
            member.LinkLostAt += gap;
            if (member.State == MemberState.Suspect)
            {
                member.Since = now;
            }
        }
    }

    private void Watch(Member member, TimeSpan now)
    {
        if (member.State == MemberState.Suspect)
        {
            if (now - member.Since >= GossipLimits.SuspicionTimeout)
            {
                Fail(member);
            }
            else if (now - member.AskedAt >= GossipLimits.PingTimeout && !_probes.ContainsKey(member))
            {
                AskAgain(member);
            }
        }
        else if (member is { State: MemberState.Alive, Link: null })
        {
            if (now - member.LinkLostAt >= GossipLimits.MaxWithoutLink)
            {
                Suspect(member, "it could not be reached for half a minute");
            }
            else if (now - member.AskedAt >= WithoutLinkProbe && !_probes.ContainsKey(member))
            {
                AskOthers(member, "it has no link");
            }
        }
    }

    private void PingNext()
    {
        // Every member once in a round, in a new order each time: who is dead is found within a round, and the load is the same for all.
        for (var refilled = false; ;)
        {
            while (_round.TryDequeue(out var member))
            {
                if (member.State == MemberState.Alive && !_probes.ContainsKey(member) && members.Find(member.ServerId) == member)
                {
                    Ask(member);
                    return;
                }
            }

            if (refilled)
            {
                return;
            }

            var alive = members.All.Where(member => member.State == MemberState.Alive).ToArray();
            random.Shuffle(alive);
            Array.ForEach(alive, _round.Enqueue);
            refilled = true;
        }
    }

    private void Ask(Member member)
    {
        if (member.State != MemberState.Alive || _probes.ContainsKey(member))
        {
            return;
        }

        if (member.Link is null)
        {
            AskOthers(member, "it has no link");
            return;
        }

        SendPing(member);
        _probes[member] = new Probe(clock.Now + GossipLimits.PingTimeout, []);
    }

    private void Advance(Member member, Probe probe)
    {
        _probes.Remove(member);
        if (member.State != MemberState.Alive)
        {
            return;
        }

        if (probe.Proxies.Count == 0)
        {
            AskOthers(member, "it does not answer");
        }
        else
        {
            Suspect(member, member.Link is null ? "it has no link and does not answer through others" : "it does not answer, nor through others");
        }
    }

    private void AskOthers(Member member, string why)
    {
        if (RequestPings(member) is { Count: > 0 } proxies)
        {
            _probes[member] = new Probe(clock.Now + GossipLimits.PingTimeout, proxies);
        }
        else
        {
            Suspect(member, $"{why}, and there is nobody to ask");
        }
    }

    private List<Member> RequestPings(Member member)
    {
        member.AskedAt = clock.Now;
        var proxies = outbox.Choose(GossipLimits.Fanout, member);
        foreach (var proxy in proxies)
        {
            outbox.Send(proxy.Link, new PingRequest(member.ServerId, Report: true));
        }

        return proxies;
    }

    private void AskAgain(Member suspect)
    {
        if (suspect.Link is not null)
        {
            SendPing(suspect);
        }
        else if (clock.Now - suspect.LinkLostAt < GossipLimits.MaxWithoutLink && RequestPings(suspect) is { Count: > 0 } proxies)
        {
            _probes[suspect] = new Probe(clock.Now + GossipLimits.PingTimeout, proxies);
        }
    }

    private void SendPing(Member member)
    {
        member.AskedAt = clock.Now;
        member.PingSentAt ??= clock.Now;
        outbox.Send(member.Link, new Ping());
    }

    private void Suspect(Member member, string why)
    {
        _probes.Remove(member);
        members.Change(member, MemberState.Suspect, why);
        member.AskedAt = clock.Now;
        outbox.Tell(member, new Suspicion(member.ServerId, member.Incarnation));

        // It hears of it too, and can say that it is there.
        outbox.Send(member.Link, new Suspicion(member.ServerId, member.Incarnation));
    }

    private void Fail(Member member)
    {
        members.Change(member, MemberState.Failed, "it did not answer in time");
        outbox.Tell(member, new Confirmation(member.ServerId));
        links.Detach(member, MemberState.Failed);
    }

    /// <param name="Proxies">Who was asked to ping it; none while it was asked itself.</param>
    private readonly record struct Probe(TimeSpan Deadline, List<Member> Proxies);
}
