using Relay.Storage;

namespace Relay.Policy;

/// <summary>
/// What this relay knows of the shared journal, and its copy in a file, which it starts from when the database is away. For one caller at
/// a time; the store sees to that.
/// </summary>
/// <param name="node">How this relay is called in its rows.</param>
/// <param name="file">Null: there is no copy.</param>
/// <param name="copy">What the file holds; null: nothing.</param>
internal sealed partial class PolicyReplica(
    SharedJournal journal,
    string node,
    PolicyJournal? file,
    PolicyHistory? copy,
    PolicyItems configuration,
    int ipv6Prefix,
    SteadyClock clock,
    TimeProvider time,
    ILogger logger) : PolicyKeeper(copy ?? PolicyStart.First(configuration, ipv6Prefix, time), configuration, ipv6Prefix)
{
    // A table of more rows than a history needs is compacted.
    private const int MaxRows = 1_000;

    // What is known: 0 before the journal was read for the first time.
    private long _position;
    private string _id = "";

    // The position of the oldest row, or one after it when another relay has compacted the table.
    private long _oldest;

    // There was no file: what this relay starts with is worth nothing where the database has a journal.
    private bool _isFresh = copy is null;
    private bool _isCopyBehind;

    public override string Name => journal.Name;

    // Where nobody has written anything, the table gets what this relay knows.
    public override async Task<Followed> CatchUpAsync()
    {
        if (journal.IsAway)
        {
            return Away("it cannot be reached");
        }

        try
        {
            var page = await journal.ReadAsync(_position, _id);
            if (page is { IsWhole: true, Rows.Count: 0 })
            {
                await journal.TrySeedAsync([.. History.Entries.Select((entry, i) => Row(entry, i + 1, Eviction.None, NewId()))]);
                page = await journal.ReadAsync(0, "");
            }

            return page.IsWhole ? Adopt(page.Rows) : Continue(page.Rows);
        }
        catch (StorageException exception)
        {
            return Away(exception.Message.TrimEnd('.'));
        }
    }

    public override async Task<Followed> AppendAsync(IReadOnlyList<JournalEntry> entries, Eviction evict, string id)
    {
        if (_position == 0)
        {
            return await CatchUpAsync();
        }

        // Before it is stored: what this relay could not read again no relay could.
        if (Added(entries, out var problem) is not { } histories)
        {
            return new Followed([], problem);
        }

        var rows = entries.Select((entry, i) => Row(entry, _position + 1 + i, evict, i == 0 ? id : NewId())).ToList();
        for (var isAgain = false; ; isAgain = true)
        {
            try
            {
                return await journal.TryAppendAsync(rows, _id, Compacted()) ? Stored(entries, rows, histories, id) : await FollowAsync(id);
            }
            catch (StorageException) when (!isAgain && !journal.IsAway)
            {
                // Whether it was committed nobody has said. The second time it is refused if it was.
            }
            catch (StorageException exception)
            {
                return new Followed([], $"{Name} failed while the change was stored: {exception.Message.TrimEnd('.')}. It may have been stored all the same: see `relayctl limits history` when the database can be reached");
            }
        }
    }

    public static string NewId() => Guid.NewGuid().ToString("N");

    private Followed Away(string why) =>
        new([], $"The policy is in {Name}, and nothing was changed: {why}. Try again when `relayctl stats` does not show the database as away") { StopsStart = _isFresh };

    private async Task<Followed> FollowAsync(string id)
    {
        var followed = await CatchUpAsync();
        return followed with { IsStored = followed.Fresh.Any(entry => entry.Id == id) };
    }

    private Followed Stored(IReadOnlyList<JournalEntry> entries, List<SharedRow> rows, List<PolicyHistory> histories, string id)
    {
        (History, _position, _id) = (histories[^1], rows[^1].Position, rows[^1].Id);
        Copy(entries);
        return Stored(histories, id);
    }

    private Followed Continue(IReadOnlyList<SharedRow> rows)
    {
        var fresh = new List<FollowedEntry>();
        var entries = new List<JournalEntry>();
        string? problem = null;
        foreach (var row in rows)
        {
            try
            {
                var (entry, evict) = Read(row);
                History = Add(History, entry);
                fresh.Add(new FollowedEntry(row.Id, Made(History), row.Node, evict));
                entries.Add(entry);
                (_position, _id) = (row.Position, row.Id);
                if (entry.State is not null && PolicyItems.Diff(History.Current.Configuration, Configuration) is { Count: > 0 } differences)
                {
                    Log.OtherConfiguration(logger, row.Node, PolicyChanged.Short(differences, item => item.Before), PolicyChanged.Short(differences, item => item.After));
                }
            }
            catch (FormatException exception)
            {
                problem = Damaged(row, exception);
                break;
            }
        }

        Copy(entries);
        return new Followed(fresh, problem) { IsDamaged = problem is not null, StopsStart = problem is not null };
    }

    // What this relay has is a part of the database's journal, or is replaced by it.
    private Followed Adopt(IReadOnlyList<SharedRow> rows)
    {
        PolicyHistory? history = null;
        var all = new List<(FollowedEntry Followed, JournalEntry Entry)>();
        foreach (var row in rows)
        {
            try
            {
                var (entry, evict) = Read(row);
                history = Add(history, entry);
                all.Add((new FollowedEntry(row.Id, Made(history), row.Node, evict), entry));
            }
            catch (FormatException exception)
            {
                return new Followed([], Damaged(row, exception)) { IsDamaged = true, StopsStart = true };
            }
        }

        if (history is null)
        {
            return Away("it is empty and could not be filled");
        }

        var known = all.FindLastIndex(row => IsSame(row.Entry, History.Newest));
        var (before, wasFresh) = (History, _isFresh);
        (History, _isFresh) = (history, false);
        (_position, _id, _oldest) = (rows[^1].Position, rows[^1].Id, rows[0].Position);
        _isCopyBehind |= wasFresh;
        if (known >= 0)
        {
            var fresh = all[(known + 1)..];
            Copy([.. fresh.Select(row => row.Entry)]);
            return new Followed([.. fresh.Select(row => row.Followed)]);
        }

        if (!wasFresh)
        {
            KeepAside(before.Current.Revision);
        }

        _isCopyBehind = true;
        Copy([]);
        return new Followed([]) { Replaced = wasFresh ? [] : PolicyItems.Diff(before.Current.Items, history.Current.Items) };
    }

    private (JournalEntry Entry, Eviction Evict) Read(SharedRow row)
    {
        // Its writer has given what lies ahead by its wall clock. Where the clocks of two relays differ, what one has set for a time ends at
        // the other earlier or later by the difference; as the first to find it expired reverts it for all, it ends by the clock that is
        // most ahead.
        return (JournalLine.Read(row.Line).Move(clock.Ahead), Evictions.Parse(row.Evict));
    }

    private SharedRow Row(JournalEntry entry, long position, Eviction evict, string id) =>
        new(position, id, entry.Revision, node, evict.Word(), JournalLine.Write(entry, clock.ToWall));

    // The oldest row that is needed, with the whole state of then; null: it is too early for that.
    private SharedRow? Compacted()
    {
        if (_position - _oldest < MaxRows)
        {
            return null;
        }

        _oldest = _position - History.Count + 1;
        return Row(History.Entries.First(), _oldest, Eviction.None, "");
    }

    private string Damaged(SharedRow row, FormatException exception) =>
        $"The policy journal in {Name}, table policy_journal, position {row.Position}, written by {row.Node}: {exception.Message}. This relay stays at revision {History.Current.Revision} and changes nothing: "
        + "if a newer relayd has written that row, upgrade this one; else make Admission:Ipv6Prefix the same everywhere, or correct the row";

    private void KeepAside(long revision)
    {
        try
        {
            var aside = file?.KeepAside(time.GetUtcNow());
            Log.OtherJournal(logger, Name, History.Current.Revision, revision, aside ?? "nowhere");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotCopied(logger, file!.Path, exception.Message);
        }
    }

    // The database has what the copy lacks: a full disk refuses no change.
    private void Copy(IReadOnlyList<JournalEntry> fresh)
    {
        try
        {
            if (_isCopyBehind)
            {
                file?.Replace(History.Entries, clock.ToWall);
            }
            else if (fresh.Count > 0)
            {
                file?.Write(fresh, History.Entries, clock.ToWall);
            }

            _isCopyBehind = false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _isCopyBehind = true;
            Log.NotCopied(logger, file!.Path, exception.Message);
        }
    }

    private static bool IsSame(JournalEntry a, JournalEntry b) =>
        (a.Revision, a.Time, a.Who, a.Reason) == (b.Revision, b.Time, b.Who, b.Reason)
        && a.Confirmed.SequenceEqual(b.Confirmed)
        && a.Changes.Select(change => (change.Path, change.Before, change.After)).SequenceEqual(b.Changes.Select(change => (change.Path, change.Before, change.After)));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{File}, this relay's copy of the policy journal, cannot be written: {Problem}. It is written whole with the next change")]
        public static partial void NotCopied(ILogger logger, string file, string problem);

        [LoggerMessage(2, LogLevel.Warning, "The policy journal in {Name} (revision {Revision}) does not continue that of this relay (revision {Own}): it is taken over, and the former file is kept as {Aside}")]
        public static partial void OtherJournal(ILogger logger, string name, long revision, long own, string aside);

        [LoggerMessage(3, LogLevel.Warning, "The relay {Node} has started with another configuration, which now holds for all that share the policy: {Theirs} there, {Ours} here. Give all of them the same")]
        public static partial void OtherConfiguration(ILogger logger, string node, string theirs, string ours);
    }
}
