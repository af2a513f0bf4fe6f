using Relay.Admission;
using Relay.Clients;
using Relay.Events;
using Relay.Policy;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Admin;

/// <summary>Disconnects here whom a change excludes that an operator made at another relay, as that one has done with its own clients.</summary>
internal sealed class FollowedEvictions(
    LimitPolicyStore policies, ConnectionLedger ledger, SessionTable sessions, PacedDisconnector closer, RelayEvents events, TimeProvider time)
{
    public void Apply(PublishedEvent published)
    {
        if (published.Event is not PolicyChanged { Node: not null, Evict: not Eviction.None } change)
        {
            return;
        }

        var history = policies.Overview().History;
        var hit = change.Evict == Eviction.Banned ? Ban(history, change.Revision) : Excess(history, change);
        if (hit > 0)
        {
            events.Publish(new ClientsDisconnected(hit) { Who = change.Who, Reason = change.Reason });
        }
    }

    private int Excess(IReadOnlyList<PolicyRevision> history, PolicyChanged change)
    {
        var policy = policies.Current;
        var before = history.FirstOrDefault(revision => revision.Revision == change.Revision - 1) is { } former
            ? new LimitPolicy(former.Items, policy.Ipv6Prefix, former.Revision)
            : policy;
        var evicted = ExcessSelection.Choose(
            sessions.All.Where(session => ChangeOutcome.IsCounted(session, before)), Admission.PolicyEffect.Of(ledger, policy, time), change.Evict == Eviction.Newest);
        closer.Add(evicted, CloseReason.Evicted);
        return evicted.Count;
    }

    private int Ban(IReadOnlyList<PolicyRevision> history, long revision)
    {
        var targets = history.Where(made => made.Revision == revision).SelectMany(made => made.Differences)
            .Where(difference => difference.After is not null)
            .Select(difference => BanTarget.OfPath(difference.Path))
            .OfType<BanTarget>()
            .ToList();
        var hit = sessions.All.Where(session => session.State is Client or Federation.PeerLink && targets.Exists(target => target.Matches(session))).ToList();
        closer.Add(hit, CloseReason.Banned);
        return hit.Count(session => session.State is Client);
    }
}
