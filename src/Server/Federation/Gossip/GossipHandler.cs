namespace Relay.Federation.Gossip;

/// <summary>What each kind of message does. Guarded like <see cref="Member"/>.</summary>
internal sealed class GossipHandler(
    LinkTable links, MemberTable members, Hearsay hearsay, FailureDetector detector, GossipOutbox outbox, OwnIncarnation incarnation, MembershipClock clock)
{
    public GossipOutcome Handle(long number, GossipMessage message)
    {
        if (links.Find(number) is not { } link)
        {
            return GossipOutcome.UnknownLink;
        }

        if (message.SenderId != link.Member.ServerId)
        {
            return GossipOutcome.WrongSender;
        }

        if (!link.IsNew(message.Sequence))
        {
            return GossipOutcome.Replayed;
        }

        // Whatever it sends, it is there.
        detector.Heard(link.Member);
        if (!link.TryTake(message.Body))
        {
            return GossipOutcome.RateLimited;
        }

        foreach (var mention in message.Mentions.Take(GossipLimits.MaxMentions))
        {
            hearsay.Hear(link, mention.ServerId, mention.Status, mention.Incarnation, mention.Endpoint);
        }

        return Handle(link, message.Body);
    }

    private GossipOutcome Handle(GossipLink link, GossipBody body)
    {
        switch (body)
        {
            case Ping:
                outbox.Send(link, new PingAck(incarnation.Value));
                break;
            case PingAck ack:
                Acknowledge(link.Member, ack);
                break;
            case PingRequest request when Hearsay.Read(request.Target) is { } id && members.Find(id) is { Link: not null } target && target != link.Member:
                detector.PingFor(link, target, request.Report);
                break;
            case Join or Leave:
                return HandleOwnWord(link, body);
            case Suspicion suspicion:
                hearsay.Hear(link, suspicion.ServerId, MemberState.Suspect, suspicion.Incarnation, "");
                break;
            case Confirmation confirmation:
                hearsay.Hear(link, confirmation.ServerId, MemberState.Failed, incarnation.Value, "");
                break;
            case StateSync sync:
                Merge(link, sync);
                break;
        }

        return GossipOutcome.Accepted;
    }

    private void Acknowledge(Member sender, PingAck ack)
    {
        Hearsay.SetIncarnation(sender, ack.Incarnation);
        if (ack.Target is null)
        {
            sender.RoundTrip = clock.Now - sender.PingSentAt ?? sender.RoundTrip;
            sender.PingSentAt = null;
        }
        else if (Hearsay.Read(ack.Target) is { } id && members.Find(id) is { } target)
        {
            detector.AnsweredThrough(target, sender);
        }
    }

    // A server speaks for itself. That somebody says it of another is a reason to look there, and no more.
    private GossipOutcome HandleOwnWord(GossipLink link, GossipBody body)
    {
        var id = Hearsay.Read(body is Join { ServerId: var joining } ? joining : ((Leave)body).ServerId);
        if (id != link.Member.ServerId)
        {
            if (id is not null && body is Leave)
            {
                hearsay.Accuse(id, MemberState.Left);
            }

            return GossipOutcome.NotItsWord;
        }

        if (body is Join join)
        {
            link.Member.Region = join.Region;
            hearsay.SetEndpoint(link.Member, join.Endpoint);
            if (link.TryAnswerSync())
            {
                outbox.Sync(link, listed: null);
            }
        }
        else
        {
            members.Change(link.Member, MemberState.Left, "it said so");
            links.Detach(link.Member, MemberState.Left);
        }

        return GossipOutcome.Accepted;
    }

    private void Merge(GossipLink link, StateSync sync)
    {
        var listed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in sync.Members.Take(GossipLimits.MaxMembers))
        {
            var id = hearsay.Hear(link, record.ServerId, record.Status, record.Incarnation, record.Endpoint);
            if (id is not null && record.Status == MemberState.Alive)
            {
                listed.Add(id);
            }
        }

        if (link.TryAnswerSync())
        {
            outbox.Sync(link, listed);
        }
    }
}
