namespace Relay.Policy;

/// <summary>Where the entries of the policy are kept. For one caller at a time; the store sees to that.</summary>
internal abstract class PolicyKeeper(PolicyHistory history, PolicyItems configuration, int ipv6Prefix)
{
    /// <summary>All that is kept, as far as this relay knows.</summary>
    public PolicyHistory History { get; protected set; } = history;

    /// <summary>Of this start of the relay.</summary>
    protected PolicyItems Configuration { get; } = configuration;

    /// <summary>Where it is, for people; null: in memory only.</summary>
    public abstract string? Name { get; }

    /// <summary>Takes over what others have stored.</summary>
    public abstract Task<Followed> CatchUpAsync();

    /// <summary>
    /// Stores entries that follow on <see cref="History"/>, all of them or none. Where others have stored some meanwhile theirs are taken over
    /// instead.
    /// </summary>
    /// <param name="evict">What others do with clients that they exclude.</param>
    /// <param name="id">One for each change, however often it is tried.</param>
    public abstract Task<Followed> AppendAsync(IReadOnlyList<JournalEntry> entries, Eviction evict, string id);

    /// <summary>The history with one more entry, as whoever reads it again has it. Throws <see cref="FormatException"/> that says what is wrong with it.</summary>
    protected PolicyHistory Add(PolicyHistory? before, JournalEntry entry) => JournalReplay.Add(before, entry, Configuration, ipv6Prefix);

    /// <summary>The histories after each entry; null and a sentence where one could not be read again.</summary>
    protected List<PolicyHistory>? Added(IReadOnlyList<JournalEntry> entries, out string problem)
    {
        problem = "";
        var histories = new List<PolicyHistory>(entries.Count);
        try
        {
            foreach (var entry in entries)
            {
                histories.Add(Add(histories.Count == 0 ? History : histories[^1], entry));
            }

            return histories;
        }
        catch (FormatException exception)
        {
            problem = $"Nothing was changed: {exception.Message}";
            return null;
        }
    }

    /// <summary>What was stored here just now.</summary>
    protected static Followed Stored(IEnumerable<PolicyHistory> histories, string id) =>
        new([.. histories.Select(history => new FollowedEntry(id, Made(history), null, Eviction.None))]) { IsStored = true };

    protected static PolicyRevision? Made(PolicyHistory history) => JournalEntry.IsRevision(history.Newest.Changes) ? history.Last : null;
}

/// <summary>Keeps the entries in this relay's own file, or in memory only.</summary>
internal sealed partial class OwnKeeper(
    PolicyJournal? file, PolicyHistory history, PolicyItems configuration, int ipv6Prefix, SteadyClock clock, ILogger logger) : PolicyKeeper(history, configuration, ipv6Prefix)
{
    public override string? Name => file?.Path;

    public override Task<Followed> CatchUpAsync() => Task.FromResult(new Followed([]));

    public override Task<Followed> AppendAsync(IReadOnlyList<JournalEntry> entries, Eviction evict, string id) => Task.FromResult(Append(entries, id));

    private Followed Append(IReadOnlyList<JournalEntry> entries, string id)
    {
        if (Added(entries, out var problem) is not { } histories)
        {
            return new Followed([], problem);
        }

        try
        {
            file?.Write(entries, histories[^1].Entries, clock.ToWall);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotWritten(logger, file!.Path, exception.Message);
            return new Followed([], $"{file.Path} cannot be written, nothing was changed: {exception.Message}");
        }

        History = histories[^1];
        return Stored(histories, id);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{File} cannot be written: {Problem}")]
        public static partial void NotWritten(ILogger logger, string file, string problem);
    }
}
