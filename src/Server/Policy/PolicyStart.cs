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
                var first = First(configuration, ipv6Prefix, time);
                journal?.Write([.. first.Entries], first.Entries, clock.ToWall);
                return first;
            }

            if (Configured(history.Current, configuration, time) is not { } entry)
            {
                return history;
            }

            history = history.Add(entry, history.Current.With(configuration));
            isRevised = JournalEntry.IsRevision(entry.Changes);
            journal!.Write([entry], history.Entries, clock.ToWall);
            return history;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(journal!, exception);
        }
    }

    /// <summary>The copy of a shared journal; null: there is none.</summary>
    /// <exception cref="InvalidDataException">It cannot be understood or read; the message says what to do.</exception>
    public static PolicyHistory? ReadCopy(PolicyJournal? journal, PolicyItems configuration, int ipv6Prefix)
    {
        try
        {
            return journal is null ? null : JournalReplay.Read(journal, configuration, ipv6Prefix);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(journal!, exception);
        }
    }

    /// <summary>The configuration alone.</summary>
    public static PolicyHistory First(PolicyItems configuration, int ipv6Prefix, TimeProvider time) =>
        PolicyHistory.Start(new JournalEntry(1, time.GetUtcNow(), PolicyRevision.Relay, "first start", []), PolicyState.First(configuration, ipv6Prefix));

    /// <summary>The entry that makes another configuration hold; null: it is the same.</summary>
    public static JournalEntry? Configured(PolicyState before, PolicyItems configuration, TimeProvider time)
    {
        if (PolicyItems.Diff(before.Configuration, configuration).Count == 0)
        {
            return null;
        }

        var after = before.With(configuration);
        return new JournalEntry(after.Revision, time.GetUtcNow(), PolicyRevision.Relay, "the configuration was changed", PolicyItems.Diff(before.Items, after.Items))
        {
            State = after.ToJournal(),
        };
    }

    private static InvalidDataException Unusable(PolicyJournal journal, Exception exception) => new(
        $"{journal.Path} cannot be read or written: {exception.Message} Correct its owner and mode, or name another file in Admission:PolicyFile (empty: none).", exception);
}
