namespace Relay.Policy;

/// <summary>The policy that the journal records, before the current configuration is applied.</summary>
internal static class JournalReplay
{
    /// <summary>Null for a journal without entries. Throws <see cref="InvalidDataException"/> that names the line and what is wrong with it.</summary>
    public static PolicyHistory? Read(PolicyJournal journal, PolicyItems configuration, int ipv6Prefix)
    {
        PolicyHistory? history = null;
        foreach (var (line, entry) in journal.Load())
        {
            var state = Next(journal, line, entry, history?.Current, configuration, ipv6Prefix);
            history = history?.Add(entry, state) ?? PolicyHistory.Start(entry, state);
        }

        return history;
    }

    private static PolicyState Next(PolicyJournal journal, int line, JournalEntry entry, PolicyState? before, PolicyItems configuration, int ipv6Prefix)
    {
        if (before is null && entry.State is null)
        {
            throw journal.Damaged(line, "missing field state, which the first line has");
        }

        var expected = before?.Revision + (JournalEntry.IsRevision(entry.Changes) ? 1 : 0);
        if (expected is { } number && entry.Revision != number)
        {
            throw journal.Damaged(line, $"revision {entry.Revision} stands where revision {number} should follow");
        }

        var state = entry.State is { } whole
            ? PolicyState.Of(entry.Revision, whole, configuration, ipv6Prefix, out var errors)
            : before!.Apply(entry, out errors);
        if (errors.Count > 0)
        {
            throw journal.Damaged(line, $"{errors[0].Path}: {errors[0].Text}");
        }

        return entry.Changes.FirstOrDefault(change => state.Items[change.Path] != change.After) is { } wrong
            ? throw journal.Damaged(line, $"{wrong.Path}: 'after' is '{wrong.After}', but this line makes it '{state.Items[wrong.Path]}'")
            : state;
    }
}
