using Relay.Identity;

namespace Relay.Federation.Gossip;

/// <summary>
/// What is said of servers: of the speaker itself it is believed, of this server it is answered, of any other it makes us look. Guarded like
/// <see cref="Member"/>.
/// </summary>
internal sealed class Hearsay(
    LocalServer self, EndpointRule endpoints, MemberTable members, FailureDetector detector, GossipOutbox outbox, OwnIncarnation incarnation, MembershipClock clock)
{
    private readonly string _ownEndpoint = EndpointRule.Normal(self.Endpoint);

    /// <summary>The server's id in the usual form; null where the text is none.</summary>
    public static string? Read(string? text) => ServerId.TryParse(text, out var key) ? ServerId.Format(key) : null;

    /// <summary>A member says that a server, perhaps itself, is there or is not. Returns the server's id; null where it is none.</summary>
    /// <param name="endpoint">Empty: not named.</param>
    public string? Hear(GossipLink from, string serverId, MemberState status, long said, string endpoint)
    {
        // Nearly always it is a member's, in the usual form.
        if ((members.Find(serverId) is not null ? serverId : Read(serverId)) is not { } id)
        {
            return null;
        }

        if (id == self.ServerId)
        {
            HearOfUs(from, status, said);
        }
        else if (id == from.Member.ServerId)
        {
            SetIncarnation(from.Member, said);
            SetEndpoint(from.Member, endpoint.Length > 0 ? endpoint : from.Member.Endpoint);
        }
        else if (status is MemberState.Alive)
        {
            HearOfAnother(from.Member.ServerId, id, endpoint);
        }
        else
        {
            Accuse(id, status);
        }

        return id;
    }

    /// <summary>It is said that a server is at this endpoint.</summary>
    /// <param name="informant">Id of the server that says so; empty: this server's own settings or files.</param>
    public void HearOfAnother(string informant, string id, string endpoint)
    {
        if (members.Find(id) is { Link: not null } || id == self.ServerId || !endpoints.Allows(endpoint) || EndpointRule.Normal(endpoint) == _ownEndpoint)
        {
            return;
        }

        if (FindOrAdd(informant, id) is { } member)
        {
            member.Mentioned = clock.Now;
            if (member.Claim(informant, endpoint))
            {
                members.Raise(new LookAt(id, endpoint));
            }
        }
    }

    /// <summary>Somebody says that another does not answer or has left: we look.</summary>
    public void Accuse(string id, MemberState status)
    {
        if (status != MemberState.Unknown && members.Find(id) is { } member)
        {
            detector.Hint(member);
        }
    }

    /// <summary>A member names its own endpoint.</summary>
    public void SetEndpoint(Member member, string endpoint)
    {
        var denial = endpoints.Denial(endpoint);
        var allowed = denial is null ? endpoint : "";
        members.HasChanged |= member.Endpoint != allowed;
        (member.Endpoint, member.Denial) = (allowed, denial);
    }

    /// <summary>A member names its own incarnation.</summary>
    public static void SetIncarnation(Member member, long incarnation) =>
        member.Incarnation = Math.Max(member.Incarnation, Math.Min(incarnation, GossipLimits.MaxIncarnation));

    private void HearOfUs(GossipLink from, MemberState status, long said)
    {
        if (status is MemberState.Alive or MemberState.Unknown)
        {
            incarnation.CatchUp(said);
        }
        else if (incarnation.TryRefute(said))
        {
            // The accuser first; from the others it spreads.
            outbox.Send(from, new PingAck(incarnation.Value));
            outbox.Tell(from.Member, new PingAck(incarnation.Value));
        }
    }

    private Member? FindOrAdd(string informant, string id)
    {
        if (members.Find(id) is { } known)
        {
            if (known.State == MemberState.Left)
            {
                // What is said right after it left is older than its leaving.
                if (clock.Now - known.Since < GossipLimits.LeftQuiet)
                {
                    return null;
                }

                members.Change(known, MemberState.Unknown, "it is said to be back");
            }

            return known;
        }

        return ServerId.TryParse(id, out var key) && new Member(id, key, informant) is var member && members.TryAdd(member) ? member : null;
    }
}
