namespace Relay.Policy;

/// <summary>What is reverted automatically: temporary changes that expired, and those that nobody confirmed in time.</summary>
internal static class Reverts
{
    /// <summary>The entry of the earliest revert that is due; null: none is.</summary>
    /// <param name="now">By the clock that the settings' due times is given in.</param>
    /// <param name="time">What the entry is dated.</param>
    public static JournalEntry? Next(PolicyState state, DateTimeOffset now, DateTimeOffset time)
    {
        if (state.Temporary.MinBy(setting => setting.Due) is not { } first || first.Due > now)
        {
            return null;
        }

        var due = state.Temporary.Where(setting => setting.Revision == first.Revision && setting.Due <= now).ToList();
        var changes = due.Select(setting => new PolicyDifference(setting.Path, state.Items[setting.Path], state.Without(due, setting.Path)) { Reverts = setting.Revision }).ToList();
        var reason = first.ConfirmBy <= now ? $"revision {first.Revision} was not confirmed in time"
            : due.TrueForAll(setting => setting.Path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal)) ? $"the ban of revision {first.Revision} expired"
            : $"revision {first.Revision} expired";
        return new JournalEntry(state.Revision + (JournalEntry.IsRevision(changes) ? 1 : 0), time, PolicyRevision.Relay, reason, changes);
    }
}
