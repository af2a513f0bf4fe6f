namespace Relay.Policy;

/// <summary>What a requested change comes to.</summary>
internal static class PlannedChange
{
    /// <summary>The entry that makes it, and its result; no entry where nothing is to be changed, and the result says why.</summary>
    public static (JournalEntry? Entry, PolicyResult Result) Of(PolicyChange change, PolicySnapshot from, int ipv6Prefix, SteadyClock clock, TimeProvider time)
    {
        var (history, before) = from;
        if (change.ExpectedRevision is { } expected && expected != before.Revision)
        {
            return (null, new PolicyResult(before, before) { IsStale = true });
        }

        var target = change.RollbackTo is { } revision ? history.Find(revision) : null;
        if (change.RollbackTo is not null && target is null)
        {
            return (null, new PolicyResult(before, before) { IsUnknown = true });
        }

        var plan = ChangePlan.Of(change, history.Current, target, ipv6Prefix, clock.Now, out var errors);
        if (errors.Count > 0 || plan.Count == 0)
        {
            return (null, new PolicyResult(before, before) { Errors = errors });
        }

        var entry = new JournalEntry(before.Revision + 1, time.GetUtcNow(), change.Who, change.Reason, plan);
        var now = clock.ToWall(clock.Now);
        var result = new PolicyResult(before, PolicySnapshot.PolicyOf(history.Current.Apply(entry, out _), ipv6Prefix))
        {
            Differences = plan,
            RevertsAt = now + change.Ttl,
            ConfirmBy = now + change.ConfirmWithin,
        };
        return (change.DryRun ? null : entry, result);
    }
}
