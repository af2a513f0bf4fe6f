namespace Relay.Policy;

/// <summary>What a change would do to one state: items that differ afterwards, or whose lifetime does.</summary>
internal static class ChangePlan
{
    /// <summary>Maximum number of temporary settings.</summary>
    public const int MaxTemporary = 10_000;

    /// <param name="errors">Path and sentence of each edit that is not valid; then the plan is empty.</param>
    public static IReadOnlyList<PolicyDifference> Of(
        PolicyChange change, PolicyState state, PolicyState? target, int ipv6Prefix, DateTimeOffset now, out IReadOnlyList<(string Path, string Text)> errors)
    {
        var plan = target is not null
            ? Rollback(change, state, target, now, out errors)
            : Edit(change, state, ipv6Prefix, now, out errors);
        var after = state.Items.With(plan.Select(difference => KeyValuePair.Create(difference.Path, difference.After)), ipv6Prefix, out _);
        if (errors.Count == 0 && after.TooManyRules(state.Items) is { } tooMany)
        {
            errors = [tooMany];
        }
        else if (plan.Count(IsForATime) is > 0 and var temporary && state.Temporary.Count + temporary > MaxTemporary)
        {
            errors = [("", $"{state.Temporary.Count:#,0} temporary changes are pending already; at most {MaxTemporary:#,0}")];
        }

        return errors.Count > 0 ? [] : [.. plan.OrderBy(difference => difference.Path, StringComparer.Ordinal)];
    }

    private static List<PolicyDifference> Edit(
        PolicyChange change, PolicyState state, int ipv6Prefix, DateTimeOffset now, out IReadOnlyList<(string Path, string Text)> errors)
    {
        var after = state.Items.With(change.Edits, ipv6Prefix, out errors);
        var found = errors.ToList();
        var plan = change.Edits.Keys.Select(PolicyGrammar.PathOf).Distinct()
            .Select(path => Lasting(new PolicyDifference(path, state.Items[path], after[path]), change, now))
            .Where(difference => difference.Before != difference.After || state.IsTemporary(difference.Path))
            .ToList();
        foreach (var given in change.Reset.Distinct())
        {
            var path = PolicyGrammar.PathOf(given);
            if (!PolicyGrammar.Scalars.Contains(path) && PolicyGrammar.Normalize(path, null, ipv6Prefix, out _, out _) is { } error)
            {
                found.Add((given, error));
            }
            else if (state.IsChanged(path))
            {
                var difference = Lasting(new PolicyDifference(path, state.Items[path], state.Configuration[path]), change, now);
                plan.Add(IsForATime(difference) ? difference : difference with { IsReset = true });
            }
        }

        errors = found;
        return plan;
    }

    private static List<PolicyDifference> Rollback(
        PolicyChange change, PolicyState state, PolicyState target, DateTimeOffset now, out IReadOnlyList<(string Path, string Text)> errors)
    {
        errors = [];
        var plan = new List<PolicyDifference>();
        foreach (var difference in PolicyItems.Diff(state.Items, target.Items).Select(difference => Lasting(difference, change, now)))
        {
            // A ban comes back for what is left of its time, or not at all.
            var isBan = difference.Path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal);
            if (!isBan || difference.After is null || target.TemporaryOf(difference.Path)?.Until is not { } until)
            {
                plan.Add(difference);
            }
            else if (until > now)
            {
                plan.Add(difference with { Until = difference.Until < until ? difference.Until : until });
            }
            else if (difference.Before is not null)
            {
                plan.Add(difference with { After = null });
            }
        }

        return plan;
    }

    private static PolicyDifference Lasting(PolicyDifference difference, PolicyChange change, DateTimeOffset now) =>
        difference with { Until = now + change.Ttl, ConfirmBy = now + change.ConfirmWithin };

    private static bool IsForATime(PolicyDifference difference) => difference.Until is not null || difference.ConfirmBy is not null;
}
