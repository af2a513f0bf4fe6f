using Microsoft.Extensions.Logging.Abstractions;
using Relay.Events;

namespace Relay.Policy;

/// <summary>
/// The policy in force, its history, and what is reverted automatically. A change is in the journal, on the disk, before it
/// takes effect and before the reply is sent. Readers take an immutable snapshot and wait for nothing; writers follow one
/// another.
/// </summary>
internal sealed partial class LimitPolicyStore : IDisposable
{
    // A timer's range ends at seven weeks; a longer wait is made of days.
    private static readonly TimeSpan MaxWait = TimeSpan.FromDays(1);
    private static readonly TimeSpan WriteAgain = TimeSpan.FromSeconds(10);

    // Reverts at once that are an event each: after a night without the relay thousands may be due.
    private const int MaxToldSingly = 100;

    // One writer at a time. Never waited for by whoever admits clients.
    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly TimeProvider _time;
    private readonly SteadyClock _clock;
    private readonly int _ipv6Prefix;
    private readonly PolicyJournal? _journal;
    private readonly RelayEvents _events;
    private readonly ILogger _logger;
    private readonly ITimer _timer;

    // The writer's: reverts that were made although the journal could not be written. The journal says when they were due.
    private readonly List<JournalEntry> _unwritten = [];

    // Replaced whole by the writer, read anywhere.
    private volatile Snapshot _snapshot;

    /// <summary>
    /// Starts from the journal, else from the options. Throws <see cref="InvalidDataException"/> for a journal that cannot be
    /// understood or written.
    /// </summary>
    /// <param name="journal">Null: changes are kept in memory only.</param>
    /// <param name="events">Where revisions are published, in their order, those that the start makes as well.</param>
    public LimitPolicyStore(
        AdmissionOptions options, TimeProvider time, PolicyJournal? journal = null, RelayEvents? events = null, ILogger<LimitPolicyStore>? logger = null)
    {
        (_time, _clock, _ipv6Prefix, _journal, _logger) = (time, new SteadyClock(time), options.Ipv6Prefix, journal, logger ?? NullLogger<LimitPolicyStore>.Instance);
        _events = events ?? new RelayEvents(time);
        _timer = time.CreateTimer(_ => _ = RevertAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var history = PolicyStart.Read(journal, PolicyItems.FromOptions(options, out _), _ipv6Prefix, time, _clock, out var isRevised);
        _snapshot = Snapshot.Of(history, _ipv6Prefix);
        if (isRevised)
        {
            Publish(_snapshot.History.Last);
        }

        Revert();
    }

    public LimitPolicy Current => _snapshot.Policy;

    /// <summary>Where changes are kept; null: in memory only.</summary>
    public string? File => _journal?.Path;

    /// <summary>Changes the policy, unless the caller decided from an older revision than the current one.</summary>
    public async Task<PolicyResult> ChangeAsync(PolicyChange change)
    {
        await _writer.WaitAsync();
        try
        {
            return Change(change);
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>What waits for a confirmation, all of it or one revision, stays: the revisions that did; none when nothing waits.</summary>
    /// <exception cref="IOException">The journal cannot be written; nothing is confirmed.</exception>
    public async Task<IReadOnlyList<long>> ConfirmAsync(long? revision, string who)
    {
        await _writer.WaitAsync();
        try
        {
            var state = _snapshot.History.Current;
            long[] waiting =
            [
                .. state.Temporary.Where(setting => setting.ConfirmBy is not null && (revision is null || setting.Revision == revision))
                    .Select(setting => setting.Revision).Distinct(),
            ];
            if (waiting.Length > 0)
            {
                var entry = new JournalEntry(state.Revision, _time.GetUtcNow(), who, "", []) { Confirmed = waiting };
                if (TryWrite(entry, state.Apply(entry, out _)) is { } error)
                {
                    throw new IOException(error);
                }
            }

            return waiting;
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>The current state, for readers.</summary>
    public PolicyOverview Overview()
    {
        var (history, policy) = _snapshot;
        var state = history.Current;
        return new PolicyOverview(
            policy,
            [.. Pending(state)],
            [
                .. from setting in state.Changed
                    where setting.Text != state.Configuration[setting.Path]
                    select new ChangedItem(setting.Path, state.Configuration[setting.Path], setting.Text, setting.Revision, setting.Who, setting.Time),
            ],
            history.Revisions);
    }

    /// <summary>Until when an item holds, by the wall clock; null: it stays.</summary>
    public DateTimeOffset? UntilOf(string path) => _snapshot.History.Current.TemporaryOf(path)?.Until is { } until ? _clock.ToWall(until) : null;

    public void Dispose() => _timer.Dispose();

    private PolicyResult Change(PolicyChange change)
    {
        var (history, before) = _snapshot;
        if (change.ExpectedRevision is { } expected && expected != before.Revision)
        {
            return new PolicyResult(before, before) { IsStale = true };
        }

        var target = change.RollbackTo is { } revision ? history.Find(revision) : null;
        if (change.RollbackTo is not null && target is null)
        {
            return new PolicyResult(before, before) { IsUnknown = true };
        }

        var plan = ChangePlan.Of(change, history.Current, target, _ipv6Prefix, _clock.Now, out var errors);
        if (errors.Count > 0 || plan.Count == 0)
        {
            return new PolicyResult(before, before) { Errors = errors };
        }

        var entry = new JournalEntry(before.Revision + 1, _time.GetUtcNow(), change.Who, change.Reason, plan);
        var after = history.Current.Apply(entry, out _);
        var result = new PolicyResult(before, Snapshot.PolicyOf(after, _ipv6Prefix))
        {
            Differences = plan,
            RevertsAt = change.Ttl is null ? null : _clock.ToWall(_clock.Now) + change.Ttl,
            ConfirmBy = change.ConfirmWithin is null ? null : _clock.ToWall(_clock.Now) + change.ConfirmWithin,
        };
        if (change.DryRun)
        {
            return result;
        }

        if (TryWrite(entry, after) is { } error)
        {
            return new PolicyResult(before, before) { NotWritten = error };
        }

        Publish(_snapshot.History.Last);
        return result with { After = Current };
    }

    // Null, or why it could not be written; then nothing has changed.
    private string? TryWrite(JournalEntry entry, PolicyState after)
    {
        var history = _snapshot.History.Add(entry, after);
        try
        {
            _journal?.Write([.. _unwritten, entry], history.Entries, _clock.ToWall);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotWritten(_logger, File!, exception.Message);
            return $"{File} cannot be written, nothing was changed: {exception.Message}";
        }

        _unwritten.Clear();
        _snapshot = Snapshot.Of(history, _ipv6Prefix);
        Schedule();
        return null;
    }

    private async Task RevertAsync()
    {
        await _writer.WaitAsync();
        try
        {
            Revert();
        }
        finally
        {
            _writer.Release();
        }
    }

    // What was promised takes place also where the journal cannot be written: it says until when, so a start does the same.
    private void Revert()
    {
        var history = _snapshot.History;
        var made = new List<PolicyRevision>();
        while (Reverts.Next(history.Current, _clock.Now, _time.GetUtcNow()) is { } entry)
        {
            history = history.Add(entry, history.Current.Apply(entry, out _));
            _unwritten.Add(entry);
            if (JournalEntry.IsRevision(entry.Changes))
            {
                made.Add(history.Last);
            }
        }

        if (history != _snapshot.History)
        {
            _snapshot = Snapshot.Of(history, _ipv6Prefix);
        }

        WriteReverts(history);
        Schedule();
        made.Take(MaxToldSingly).ToList().ForEach(Publish);
        if (made.Count > MaxToldSingly)
        {
            _events.Publish(PolicyChanged.More(made[MaxToldSingly], made[^1], made.Count - MaxToldSingly));
        }
    }

    private void Publish(PolicyRevision revision) => _events.Publish(PolicyChanged.Of(revision));

    private void WriteReverts(PolicyHistory history)
    {
        if (_unwritten.Count == 0)
        {
            return;
        }

        try
        {
            _journal?.Write(_unwritten, history.Entries, _clock.ToWall);
            _unwritten.Clear();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotWritten(_logger, File!, exception.Message);
        }
    }

    // Bans have a list of their own.
    private IEnumerable<PendingRevert> Pending(PolicyState state) =>
        from setting in state.Temporary
        where !setting.Path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal)
        from due in new[] { (At: setting.ConfirmBy, NeedsConfirmation: true), (At: setting.Until, NeedsConfirmation: false) }
        where due.At is not null
        group setting by (setting.Revision, At: due.At!.Value, due.NeedsConfirmation) into change
        orderby change.Key.At, change.Key.Revision
        select new PendingRevert(
            change.Key.Revision,
            _clock.ToWall(change.Key.At),
            change.Key.NeedsConfirmation,
            [.. change.Select(setting => new PolicyDifference(setting.Path, state.Beneath(setting), setting.Text))]);

    private void Schedule()
    {
        var due = _snapshot.History.Current.Temporary.Select(setting => setting.Due).DefaultIfEmpty(DateTimeOffset.MaxValue).Min();
        if (due == DateTimeOffset.MaxValue && _unwritten.Count == 0)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        // A timer knows whole milliseconds, and one that rings too early rings again.
        var most = _unwritten.Count > 0 ? WriteAgain : MaxWait;
        var wait = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Clamp((due - _clock.Now).TotalMilliseconds, 0, most.TotalMilliseconds)));
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private sealed record Snapshot(PolicyHistory History, LimitPolicy Policy)
    {
        public static Snapshot Of(PolicyHistory history, int ipv6Prefix) => new(history, PolicyOf(history.Current, ipv6Prefix));

        public static LimitPolicy PolicyOf(PolicyState state, int ipv6Prefix) => new(state.Items, ipv6Prefix, state.Revision, state.ShadowSince);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{File} cannot be written: {Problem}")]
        public static partial void NotWritten(ILogger logger, string file, string problem);
    }
}
