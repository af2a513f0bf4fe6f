using Microsoft.Extensions.Logging.Abstractions;

namespace Relay.Admission;

/// <summary>
/// The current policy, its history, and what is taken back by itself. Readers take no lock; writers follow one another, and
/// each change is a new revision.
/// </summary>
internal sealed partial class LimitPolicyStore : IDisposable
{
    /// <summary>Revisions remembered.</summary>
    public const int MaxHistory = 100;

    /// <summary>Changes that may wait to be taken back.</summary>
    public const int MaxPending = 100;

    private const string Itself = "relayd";

    private readonly Lock _writers = new();
    private readonly TimeProvider _time;
    private readonly PolicyFile? _file;
    private readonly int _ipv6Prefix;
    private readonly ILogger _logger;

    // Guarded by _writers.
    private readonly List<PolicyRevision> _history = [];
    private readonly PendingReverts _pending;
    private PolicyItems _saved;
    private bool _isSaved;

    // Replaced whole under _writers, read anywhere.
    private volatile LimitPolicy _current;

    /// <summary>
    /// Starts from what was saved, else from the options. Throws <see cref="InvalidDataException"/> for a policy file that
    /// cannot be understood.
    /// </summary>
    public LimitPolicyStore(AdmissionOptions options, TimeProvider time, PolicyFile? file = null, ILogger<LimitPolicyStore>? logger = null)
    {
        (_time, _file, _ipv6Prefix, _logger) = (time, file, options.Ipv6Prefix, logger ?? NullLogger<LimitPolicyStore>.Instance);
        _pending = new PendingReverts(time, RevertDue);
        _saved = PolicyItems.FromOptions(options, out _);
        var document = file?.Load();
        _current = new LimitPolicy(document is null ? _saved : Restore(document), _ipv6Prefix, document?.Revision ?? 1);
        if (_history.Count == 0 || _history[^1].Revision != _current.Revision)
        {
            _history.Add(new PolicyRevision(_current.Revision, time.GetUtcNow(), Itself, "start", _current.Items, []));
        }

        RevertDue();
    }

    public LimitPolicy Current => _current;

    /// <summary>Called without the lock after each change, also those that the relay makes itself.</summary>
    public Action<PolicyRevision>? Changed { get; set; }

    /// <summary>Where the policy is saved; null: nowhere.</summary>
    public string? File => _file?.Path;

    /// <summary>Swaps the policy, unless the caller decided from an older revision than the one in force.</summary>
    public PolicyResult Change(PolicyChange change) => Change(change, () => change.Edits);

    /// <summary>Makes the items of an earlier revision the ones in force; the edits of <paramref name="change"/> do not matter.</summary>
    public PolicyResult Rollback(long revision, PolicyChange change) => Change(change, () =>
        _history.Find(entry => entry.Revision == revision) is { } target
            ? PolicyItems.Diff(_current.Items, target.Items).ToDictionary(difference => difference.Path, difference => difference.After)
            : null);

    /// <summary>What waits for a confirmation stays; false when nothing waits.</summary>
    public bool Confirm(long? revision)
    {
        lock (_writers)
        {
            if (!_pending.Confirm(revision))
            {
                return false;
            }

            if (_pending.All.Count > 0 && !Persist(out var warning))
            {
                Log.NotWritten(_logger, warning!);
            }

            return true;
        }
    }

    /// <summary>Writes the running policy to the policy file. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public IReadOnlyList<PolicyDifference> Save(string who)
    {
        lock (_writers)
        {
            var differences = PolicyItems.Diff(_saved, _current.Items);
            _file!.Save(Document(_current.Items, who));
            (_saved, _isSaved) = (_current.Items, true);
            return differences;
        }
    }

    /// <summary>The present state for those who look: what waits, what is not saved, and the revisions, oldest first.</summary>
    public PolicyOverview Overview()
    {
        lock (_writers)
        {
            return new PolicyOverview(_current, [.. _pending.All], PolicyItems.Diff(_saved, _current.Items), _isSaved, [.. _history]);
        }
    }

    public void Dispose()
    {
        lock (_writers)
        {
            _pending.Dispose();
        }
    }

    // The edits are asked for under the lock: they may depend on the policy in force. Null: no such revision.
    private PolicyResult Change(PolicyChange change, Func<IReadOnlyDictionary<string, string?>?> edits)
    {
        PolicyRevision made;
        PolicyResult result;
        lock (_writers)
        {
            var before = _current;
            if (change.ExpectedRevision is { } expected && expected != before.Revision)
            {
                return new PolicyResult(before, before) { IsStale = true };
            }

            if (edits() is not { } wanted)
            {
                return new PolicyResult(before, before) { IsUnknown = true };
            }

            var items = before.Items.With(wanted, _ipv6Prefix, out var mistakes);
            if (mistakes.Count == 0 && _pending.All.Count >= MaxPending && (change.HoldFor ?? change.ConfirmWithin) is not null)
            {
                mistakes = [("", $"{MaxPending} changes wait to be taken back; confirm or end some first")];
            }

            if (mistakes.Count > 0)
            {
                return new PolicyResult(before, before) { Mistakes = mistakes };
            }

            var now = _time.GetUtcNow();
            items = items.WithoutEndedBans(now);
            result = new PolicyResult(before, Next(items)) { RevertsAt = now + change.HoldFor, ConfirmBy = now + change.ConfirmWithin };
            if (change.DryRun)
            {
                return result;
            }

            made = Publish(result.After, change.Who, change.Reason);
            Await(result.ConfirmBy, needsConfirmation: true, made);
            Await(result.RevertsAt, needsConfirmation: false, made);
            if (result.RevertsAt is not null && !Persist(out var warning))
            {
                result = result with { Warnings = [warning!] };
            }
        }

        Changed?.Invoke(made);
        return result;
    }

    private void Await(DateTimeOffset? due, bool needsConfirmation, PolicyRevision made)
    {
        if (due is { } moment)
        {
            _pending.Add(new PendingRevert(made.Revision, moment, needsConfirmation, made.Differences));
        }
    }

    private void RevertDue()
    {
        var made = new List<PolicyRevision>();
        lock (_writers)
        {
            var ready = _pending.TakeDue();
            foreach (var pending in ready)
            {
                var items = _current.Items.With(_current.Items.Undo(pending.Differences), _ipv6Prefix, out _);
                if (PolicyItems.Diff(_current.Items, items).Count > 0)
                {
                    made.Add(Publish(Next(items), Itself, pending.NeedsConfirmation
                        ? $"revision {pending.Revision} was not confirmed in time"
                        : $"the time of revision {pending.Revision} is over"));
                }
            }

            if (ready.Count > 0 && !Persist(out var warning))
            {
                Log.NotWritten(_logger, warning!);
            }
        }

        made.ForEach(revision => Changed?.Invoke(revision));
    }

    private LimitPolicy Next(PolicyItems items)
    {
        var revision = _current.Revision + 1;
        var sameShadow = !PolicyItems.Diff(_current.Items, items).Any(difference => difference.Path.StartsWith(PolicyItems.Shadow, StringComparison.Ordinal));
        return new LimitPolicy(items, _ipv6Prefix, revision, sameShadow ? _current.ShadowSince : revision);
    }

    private PolicyRevision Publish(LimitPolicy policy, string who, string reason)
    {
        var made = new PolicyRevision(policy.Revision, _time.GetUtcNow(), who, reason, policy.Items, PolicyItems.Diff(_current.Items, policy.Items));
        _current = policy;
        _history.Add(made);
        if (_history.Count > MaxHistory)
        {
            _history.RemoveAt(0);
        }

        return made;
    }

    // What is in force for a time outlives a restart although nobody saved it: it was promised until a certain moment.
    private bool Persist(out string? warning)
    {
        warning = null;
        if (_file is null)
        {
            return true;
        }

        try
        {
            _file.Save(Document(_isSaved ? _saved : null, Itself));
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            warning = $"the change holds, but a restart would forget that it is for a time only: {_file.Path} cannot be written: {exception.Message}";
            return false;
        }
    }

    private PolicyDocument Document(PolicyItems? items, string who) => new(PolicyDocument.CurrentFormat, _current.Revision, _time.GetUtcNow(), who)
    {
        Items = items?.All.ToDictionary(),
        Pending =
        [
            .. from pending in _pending.All
                select new PolicyDocument.PendingEntry(pending.Revision, pending.Due, pending.NeedsConfirmation, [.. pending.Differences]),
        ],
        History = [.. _history.Select(entry => new PolicyDocument.HistoryEntry(entry.Revision, entry.Time, entry.Who, entry.Reason, [.. entry.Differences]))],
    };

    private PolicyItems Restore(PolicyDocument document)
    {
        if (document.Items is not null)
        {
            // A limit that the file does not know, being older than it, is the settings'; rules are the file's alone.
            var scalars = PolicyGrammar.Scalars.ToDictionary(path => path, path => (string?)_saved[path]);
            var items = PolicyItems.Empty.With(scalars, _ipv6Prefix, out _)
                .With(document.Items.Select(item => KeyValuePair.Create(item.Key, (string?)item.Value)), _ipv6Prefix, out var mistakes);
            if (mistakes.Count > 0)
            {
                throw _file!.BadItem(mistakes[0].Path, mistakes[0].Text + ".");
            }

            (_saved, _isSaved) = (items, true);
        }

        var current = _saved;
        foreach (var pending in document.Pending.OrderBy(pending => pending.Revision))
        {
            current = current.With(pending.Changes.Select(change => KeyValuePair.Create(change.Path, change.After)), _ipv6Prefix, out var mistakes);
            if (mistakes.Count > 0)
            {
                throw _file!.BadItem(mistakes[0].Path, mistakes[0].Text + ".");
            }

            _pending.Add(new PendingRevert(pending.Revision, pending.Due, pending.NeedsConfirmation, pending.Changes));
        }

        RestoreHistory(document, current);
        return current;
    }

    // Each entry tells what it changed: walked from the newest back, that gives the items of each.
    private void RestoreHistory(PolicyDocument document, PolicyItems newest)
    {
        var items = newest;
        foreach (var entry in document.History.AsEnumerable().Reverse())
        {
            _history.Insert(0, new PolicyRevision(entry.Revision, entry.Time, entry.Who, entry.Reason, items, entry.Changes));
            items = items.With(entry.Changes.Select(change => KeyValuePair.Create(change.Path, change.Before)), _ipv6Prefix, out _);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{Warning}")]
        public static partial void NotWritten(ILogger logger, string warning);
    }
}
