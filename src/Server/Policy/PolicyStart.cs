namespace Relay.Policy;

/// <summary>The policy's history at a start: from the journal, else from the configuration.</summary>
internal static class PolicyStart
{
    /// <exception cref="InvalidDataException">The journal cannot be understood or written; the message says what to do.</exception>
    /// <param name="journal">Null: changes are kept in memory only.</param>
    /// <param name="isRevised">The configuration differs from the last start's, and that is a new revision.</param>
    public static PolicyHistory Read(
        PolicyJournal? journal, PolicyItems configuration, int ipv6Prefix, TimeProvider time, SteadyClock clock, out bool isRevised)
    {
        isRevised = false;
        try
        {
            var history = journal is null ? null : JournalReplay.Read(journal, configuration, ipv6Prefix);
            if (history is null)
            {
                var first = PolicyHistory.Start(
                    new JournalEntry(1, time.GetUtcNow(), PolicyRevision.Relay, "first start", []), PolicyState.First(configuration, ipv6Prefix));
                journal?.Write([.. first.Entries], first.Entries, clock.ToWall);
                return first;
            }

            if (PolicyItems.Diff(history.Current.Configuration, configuration).Count == 0)
            {
                return history;
            }

            var (before, after) = (history.Current, history.Current.With(configuration));
            var changes = PolicyItems.Diff(before.Items, after.Items);
            var entry = new JournalEntry(after.Revision, time.GetUtcNow(), PolicyRevision.Relay, "the configuration was changed", changes) { State = after.ToJournal() };
            history = history.Add(entry, after);
            isRevised = JournalEntry.IsRevision(changes);
            journal!.Write([entry], history.Entries, clock.ToWall);
            return history;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException(
                $"{journal?.Path} cannot be read or written: {exception.Message} Correct its owner and mode, or name another file in Admission:PolicyFile (empty: none).", exception);
        }
    }
}
