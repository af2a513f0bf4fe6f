namespace Relay.Policy;

/// <summary>The policy with all that surrounds it, at one moment.</summary>
/// <param name="Pending">What is reverted automatically, the next first; due by the wall clock.</param>
/// <param name="Changed">Items that hold instead of the configuration's.</param>
/// <param name="History">Oldest first.</param>
internal sealed record PolicyOverview(
    LimitPolicy Current, IReadOnlyList<PendingRevert> Pending, IReadOnlyList<ChangedItem> Changed, IReadOnlyList<PolicyRevision> History)
{
    public static PolicyOverview Of(PolicySnapshot snapshot, SteadyClock clock)
    {
        var (history, policy) = snapshot;
        var state = history.Current;
        return new PolicyOverview(
            policy,
            [.. Waiting(state, clock)],
            [
                .. from setting in state.Changed
                    where setting.Text != state.Configuration[setting.Path]
                    select new ChangedItem(setting.Path, state.Configuration[setting.Path], setting.Text, setting.Revision, setting.Who, setting.Time),
            ],
            history.Revisions);
    }

    // Bans have a list of their own.
    private static IEnumerable<PendingRevert> Waiting(PolicyState state, SteadyClock clock) =>
        from setting in state.Temporary
        where !setting.Path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal)
        from due in new[] { (At: setting.ConfirmBy, NeedsConfirmation: true), (At: setting.Until, NeedsConfirmation: false) }
        where due.At is not null
        group setting by (setting.Revision, At: due.At!.Value, due.NeedsConfirmation) into change
        orderby change.Key.At, change.Key.Revision
        select new PendingRevert(
            change.Key.Revision,
            clock.ToWall(change.Key.At),
            change.Key.NeedsConfirmation,
            [.. change.Select(setting => new PolicyDifference(setting.Path, state.Beneath(setting), setting.Text))]);
}

/// <summary>A history, and the policy that is in force after it.</summary>
internal sealed record PolicySnapshot(PolicyHistory History, LimitPolicy Policy)
{
    public static PolicySnapshot Of(PolicyHistory history, int ipv6Prefix) => new(history, PolicyOf(history.Current, ipv6Prefix));

    public static LimitPolicy PolicyOf(PolicyState state, int ipv6Prefix) => new(state.Items, ipv6Prefix, state.Revision, state.ShadowSince);
}
