using Microsoft.Extensions.Logging.Abstractions;
using Relay.Events;

namespace Relay.Policy;

/// <summary>
/// The policy in force, its history, and what is reverted automatically. A change is in the journal, on the disk, before it
/// takes effect and before the reply is sent. Readers take an immutable snapshot and wait for nothing; writers follow one
/// another. With a shared journal (<see cref="PolicyReplica"/>) a change is in the database before it takes effect, and what other relays have
/// changed takes effect when it is found there.
/// </summary>
internal sealed class LimitPolicyStore : IDisposable
{
    // A timer's range ends at seven weeks; a longer wait is made of days.
    private static readonly TimeSpan MaxWait = TimeSpan.FromDays(1);
    private static readonly TimeSpan WriteAgain = TimeSpan.FromSeconds(10);

    // Revisions at once that are an event each: after a night without the relay thousands of reverts may be due.
    private const int MaxToldSingly = 100;

    // Reverts that are stored at once.
    private const int MaxReverts = 1_000;

    // How often a change is made anew because another relay was first.
    private const int MaxTries = 100;

    // One writer at a time. Never waited for by whoever admits clients.
    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly TimeProvider _time;
    private readonly SteadyClock _clock;
    private readonly int _ipv6Prefix;
    private readonly RelayEvents _events;
    private readonly ITimer _timer;
    private readonly PolicyItems _configuration;

    // The writer's.
    private readonly PolicyKeeper _keeper;
    private bool _isConfigured;
    private bool _isHandedOver;

    // The writer's: what of the keeper's is in the snapshot. Reverts that are due and could not be stored yet lie on top of it.
    private PolicyHistory _taken;

    // Replaced whole by the writer, read anywhere.
    private volatile PolicySnapshot _snapshot;

    /// <summary>
    /// Starts from the journal, else from the options. Throws <see cref="InvalidDataException"/> for a journal that cannot be
    /// understood or written.
    /// </summary>
    /// <param name="journal">Null: changes are kept in memory only, or in the shared journal only.</param>
    /// <param name="events">Where revisions are published, in their order, those that the start makes as well.</param>
    /// <param name="shared">The journal that counts. The other is a copy of it then, which holds until <see cref="CatchUpAsync"/>. Null: there is none.</param>
    /// <param name="node">How this relay is called in the shared journal.</param>
    public LimitPolicyStore(
        AdmissionOptions options,
        TimeProvider time,
        PolicyJournal? journal = null,
        RelayEvents? events = null,
        ILogger<LimitPolicyStore>? logger = null,
        SharedJournal? shared = null,
        string node = "")
    {
        (_time, _clock, _ipv6Prefix, _events) = (time, new SteadyClock(time), options.Ipv6Prefix, events ?? new RelayEvents(time));
        _configuration = PolicyItems.FromOptions(options, out _);
        _timer = time.CreateTimer(_ => _ = RevertAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var log = logger ?? NullLogger<LimitPolicyStore>.Instance;
        var isRevised = false;
        _keeper = shared is null
            ? new OwnKeeper(journal, PolicyStart.Read(journal, _configuration, _ipv6Prefix, time, _clock, out isRevised), _configuration, _ipv6Prefix, _clock, log)
            : new PolicyReplica(shared, node, journal, PolicyStart.ReadCopy(journal, _configuration, _ipv6Prefix), _configuration, _ipv6Prefix, _clock, time, log);
        _taken = _keeper.History;
        _snapshot = PolicySnapshot.Of(_taken, _ipv6Prefix);
        if (isRevised)
        {
            _events.Publish(PolicyChanged.Of(_taken.Last));
        }

        Take(new Followed([]));
        if (shared is null)
        {
            // A file is written at once.
            StoreRevertsAsync().GetAwaiter().GetResult();
            _isConfigured = true;
        }
    }

    public LimitPolicy Current => _snapshot.Policy;

    /// <summary>Where changes are kept, for people; null: in memory only.</summary>
    public string? KeptIn => _keeper.Name;

    /// <summary>Changes the policy, unless the caller decided from an older revision than the current one.</summary>
    public Task<PolicyResult> ChangeAsync(PolicyChange change) => WriteAsync(
        follow: !change.DryRun,
        change.Evict,
        () => PlannedChange.Of(change, Base(), _ipv6Prefix, _clock, _time),
        (result, error) => error is null ? result with { After = Current } : new PolicyResult(Current, Current) { NotWritten = error });

    /// <summary>What waits for a confirmation, all of it or one revision, stays: the revisions that did; none when nothing waits.</summary>
    /// <exception cref="IOException">The journal cannot be written; nothing is confirmed.</exception>
    public Task<IReadOnlyList<long>> ConfirmAsync(long? revision, string who)
    {
        return WriteAsync(follow: true, Eviction.None, Plan, (waiting, error) => error is null ? waiting : throw new IOException(error));

        (JournalEntry?, IReadOnlyList<long>) Plan()
        {
            var state = Base().History.Current;
            long[] waiting =
            [
                .. state.Temporary.Where(setting => setting.ConfirmBy is not null && (revision is null || setting.Revision == revision))
                    .Select(setting => setting.Revision).Distinct(),
            ];
            return (waiting.Length == 0 ? null : new JournalEntry(state.Revision, _time.GetUtcNow(), who, "", []) { Confirmed = waiting }, waiting);
        }
    }

    /// <summary>
    /// Applies what other relays have stored in the shared journal since it was read last, and stores there what is to be reverted. Nothing
    /// without a shared journal.
    /// </summary>
    public async Task<Followed> CatchUpAsync()
    {
        await _writer.WaitAsync();
        try
        {
            return await FollowAsync();
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>Before another process takes the journal: waits for a change in progress, and has the next ones wait for <see cref="Resume"/>.</summary>
    public Task HoldAsync() => _writer.WaitAsync();

    /// <param name="isHandedOver">The journal is the other process' now: it is not written here any more, and changes fail.</param>
    public void Resume(bool isHandedOver)
    {
        _isHandedOver = isHandedOver;
        _writer.Release();
    }

    /// <summary>The current state, for readers.</summary>
    public PolicyOverview Overview() => PolicyOverview.Of(_snapshot, _clock);

    /// <summary>Until when an item holds, by the wall clock; null: it stays.</summary>
    public DateTimeOffset? UntilOf(string path) => _snapshot.History.Current.TemporaryOf(path)?.Until is { } until ? _clock.ToWall(until) : null;

    public void Dispose() => _timer.Dispose();

    // Plans an entry and stores it; plans anew where another relay has stored one meanwhile. Without an entry the result is all.
    private async Task<T> WriteAsync<T>(bool follow, Eviction evict, Func<(JournalEntry? Entry, T Result)> plan, Func<T, string?, T> end)
    {
        await _writer.WaitAsync();
        try
        {
            // Of two operators at two relays the second decides from what the first has changed.
            var error = _isHandedOver ? "Another process has taken the place of this relay; call again" : follow ? (await FollowAsync()).Problem : null;
            var id = PolicyReplica.NewId();
            for (var tries = 0; tries < MaxTries; tries++)
            {
                var (entry, result) = plan();
                if (entry is null && error is null)
                {
                    return result;
                }

                var followed = error is null ? await _keeper.AppendAsync([entry!], evict, id) : new Followed([], error);
                Take(followed);
                if (followed.IsStored || followed.Problem is not null)
                {
                    return end(result, followed.Problem);
                }
            }

            return end(plan().Result, $"Other relays have changed the policy {MaxTries} times meanwhile; nothing was changed. Try again");
        }
        finally
        {
            _writer.Release();
        }
    }

    // What a change starts from: what is kept, without the reverts that are still to be stored.
    private PolicySnapshot Base() => _keeper.History == _snapshot.History ? _snapshot : PolicySnapshot.Of(_keeper.History, _ipv6Prefix);

    private async Task<Followed> FollowAsync()
    {
        var followed = _isHandedOver ? new Followed([]) : await _keeper.CatchUpAsync();
        Take(followed);
        while (followed.Problem is null && !_isConfigured && !_isHandedOver)
        {
            followed = PolicyStart.Configured(_keeper.History.Current, _configuration, _time) is { } entry
                ? await _keeper.AppendAsync([entry], Eviction.None, PolicyReplica.NewId())
                : new Followed([]) { IsStored = true };
            _isConfigured = followed.IsStored;
            Take(followed);
        }

        return followed.Problem is null ? await StoreRevertsAsync() : followed;
    }

    // Every relay finds a revert due at about the same time. Whoever stores it first has made it, the others take it over.
    private async Task<Followed> StoreRevertsAsync()
    {
        var followed = new Followed([]);
        while (followed.Problem is null && !_isHandedOver && Due(_keeper.History, MaxReverts).Entries is { Count: > 0 } due)
        {
            followed = await _keeper.AppendAsync(due, Eviction.None, PolicyReplica.NewId());
            Take(followed);
        }

        return followed;
    }

    // Brings what is kept into force. What was promised takes place also where it cannot be stored: what is kept says until when, so a start
    // does the same.
    private void Take(Followed followed)
    {
        var history = Due(_keeper.History == _taken ? _snapshot.History : _keeper.History).History;
        if (history != _snapshot.History)
        {
            _snapshot = PolicySnapshot.Of(history, _ipv6Prefix);
        }

        _taken = _keeper.History;
        Schedule();
        if (followed.Replaced.Count > 0)
        {
            _events.Publish(PolicyChanged.Of(_taken.Last with { Who = PolicyRevision.Relay, Reason = $"the policy journal in {KeptIn} holds", Differences = followed.Replaced }));
        }

        Publish([.. followed.Fresh.Where(entry => entry.Made is not null)]);
    }

    // The history with the reverts that are due, and their entries.
    private (PolicyHistory History, IReadOnlyList<JournalEntry> Entries) Due(PolicyHistory history, int max = int.MaxValue)
    {
        var entries = new List<JournalEntry>();
        while (entries.Count < max && Reverts.Next(history.Current, _clock.Now, _time.GetUtcNow()) is { } entry)
        {
            history = history.Add(entry, history.Current.Apply(entry, out _));
            entries.Add(entry);
        }

        return (history, entries);
    }

    private async Task RevertAsync()
    {
        await _writer.WaitAsync();
        try
        {
            Take(new Followed([]));
            await StoreRevertsAsync();
        }
        finally
        {
            _writer.Release();
        }
    }

    private void Publish(IReadOnlyList<FollowedEntry> made)
    {
        for (var i = 0; i < made.Count; i++)
        {
            // Those that close connections have to be told.
            if (i < MaxToldSingly || made[i].Evict != Eviction.None)
            {
                _events.Publish(PolicyChanged.Of(made[i].Made!, made[i].Node, made[i].Evict));
            }
        }

        if (made.Skip(MaxToldSingly).Where(entry => entry.Evict == Eviction.None).ToList() is { Count: > 0 } more)
        {
            _events.Publish(PolicyChanged.More(more[0].Made!, more[^1].Made!, more.Count));
        }
    }

    private void Schedule()
    {
        var isStored = _snapshot.History == _keeper.History;
        var due = _snapshot.History.Current.Temporary.Select(setting => setting.Due).DefaultIfEmpty(DateTimeOffset.MaxValue).Min();
        if (due == DateTimeOffset.MaxValue && isStored)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        // A timer knows whole milliseconds, and one that rings too early rings again.
        var max = isStored ? MaxWait : WriteAgain;
        var wait = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Clamp((due - _clock.Now).TotalMilliseconds, 0, max.TotalMilliseconds)));
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }
}
