namespace Relay.Policy;

/// <summary>The policy that a journal records, before the current configuration is applied.</summary>
internal static class JournalReplay
{
    /// <summary>Null for a journal without entries. Throws <see cref="InvalidDataException"/> that names the line and what is wrong with it.</summary>
    public static PolicyHistory? Read(PolicyJournal journal, PolicyItems configuration, int ipv6Prefix)
    {
        PolicyHistory? history = null;
        foreach (var (line, entry) in journal.Load())
        {
            try
            {
                history = Add(history, entry, configuration, ipv6Prefix);
            }
            catch (FormatException exception)
            {
                throw journal.Damaged(line, exception.Message);
            }
        }

        return history;
    }

    /// <summary>The history with one more entry. Throws <see cref="FormatException"/> that says what is wrong with it.</summary>
    /// <param name="history">Null: this entry is the first.</param>
    /// <param name="known">Gives the items that the journal's configuration does not have, being older than they are.</param>
    public static PolicyHistory Add(PolicyHistory? history, JournalEntry entry, PolicyItems known, int ipv6Prefix)
    {
        var before = history?.Current;
        if (before is null && entry.State is null)
        {
            throw new FormatException("missing field state, which the first line has");
        }

        var expected = before?.Revision + (JournalEntry.IsRevision(entry.Changes) ? 1 : 0);
        if (expected is { } number && entry.Revision != number)
        {
            throw new FormatException($"revision {entry.Revision} stands where revision {number} should follow");
        }

        var state = entry.State is { } whole
            ? PolicyState.Of(entry.Revision, whole, known, ipv6Prefix, out var errors)
            : before!.Apply(entry, out errors);
        if (errors.Count > 0)
        {
            throw new FormatException($"{errors[0].Path}: {errors[0].Text}");
        }

        return entry.Changes.FirstOrDefault(change => state.Items[change.Path] != change.After) is { } wrong
            ? throw new FormatException($"{wrong.Path}: 'after' is '{wrong.After}', but this line makes it '{state.Items[wrong.Path]}'")
            : history?.Add(entry, state) ?? PolicyHistory.Start(entry, state);
    }
}
