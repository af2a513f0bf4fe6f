using Microsoft.Extensions.Logging.Abstractions;

namespace Relay.Policy;

/// <summary>
/// The current policy, its history, and what is taken back by itself. Readers take no lock; writers follow one another, and
/// each change is a new revision.
/// </summary>
internal sealed class LimitPolicyStore : IDisposable
{
    /// <summary>Revisions remembered.</summary>
    public const int MaxHistory = 100;

    /// <summary>Changes that may wait to be taken back.</summary>
    public const int MaxPending = 100;

    private const string Itself = "relayd";

    private readonly Lock _writers = new();
    private readonly TimeProvider _time;
    private readonly int _ipv6Prefix;

    // Guarded by _writers.
    private readonly PolicyOnDisk _disk;
    private readonly List<PolicyRevision> _history = [];
    private readonly PendingReverts _pending;

    // Replaced whole under _writers, read anywhere.
    private volatile LimitPolicy _current;

    /// <summary>
    /// Starts from what was saved, else from the options. Throws <see cref="InvalidDataException"/> for a policy file that
    /// cannot be understood.
    /// </summary>
    public LimitPolicyStore(AdmissionOptions options, TimeProvider time, PolicyFile? file = null, ILogger<LimitPolicyStore>? logger = null)
    {
        (_time, _ipv6Prefix) = (time, options.Ipv6Prefix);
        _disk = new PolicyOnDisk(file, PolicyItems.FromOptions(options, out _), time, logger ?? NullLogger<LimitPolicyStore>.Instance);
        _pending = new PendingReverts(time, RevertDue);
        // Under the lock: what is due already is taken back by a timer, which must find everything in its place.
        lock (_writers)
        {
            var restored = _disk.Load(_ipv6Prefix);
            _history.AddRange(restored?.History ?? []);
            var last = _history.Count > 0 ? _history[^1] : null;
            var items = restored?.Current ?? _disk.Saved;
            var lost = last is null ? [] : PolicyItems.Diff(last.Items, items);
            if (last is not null && last.Revision == restored?.Revision && lost.Count == 0)
            {
                _current = new LimitPolicy(items, _ipv6Prefix, last.Revision);
            }
            else
            {
                // The first start; or what was not saved is gone, or somebody has edited the file: not the revision that was in force.
                _current = new LimitPolicy(items, _ipv6Prefix, Math.Max(restored?.Revision ?? 0, _disk.Spent) + 1);
                Remember(Itself, "start", lost);
            }

            _pending.Add(restored?.Pending ?? []);
        }

        RevertDue();
    }

    public LimitPolicy Current => _current;

    /// <summary>Called without the lock after each change, also those that the relay makes itself.</summary>
    public Action<PolicyRevision>? Changed { get; set; }

    /// <summary>Where the policy is saved; null: nowhere.</summary>
    public string? File => _disk.Path;

    private PolicyMoment Moment => new(_current, _pending.All, _history);

    /// <summary>Swaps the policy, unless the caller decided from an older revision than the one in force.</summary>
    public PolicyResult Change(PolicyChange change) => Change(change, () => change.Edits);

    /// <summary>Makes the items of an earlier revision the ones in force; the edits of <paramref name="change"/> do not matter.</summary>
    public PolicyResult Rollback(long revision, PolicyChange change) => Change(change, () =>
        _history.Find(entry => entry.Revision == revision) is { } target
            ? PolicyItems.Diff(_current.Items, target.Items).ToDictionary(difference => difference.Path, difference => difference.After)
            : null);

    /// <summary>What waits for a confirmation, all of it or one revision, stays: the revisions that did; none when nothing waits.</summary>
    public IReadOnlyList<long> Confirm(long? revision)
    {
        lock (_writers)
        {
            var confirmed = _pending.Confirm(revision);
            if (confirmed.Count > 0)
            {
                _disk.Refresh(Moment, Itself);
            }

            return confirmed;
        }
    }

    /// <summary>Writes the running policy to the policy file. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public IReadOnlyList<PolicyDifference> Save(string who)
    {
        lock (_writers)
        {
            var differences = PolicyItems.Diff(_disk.Saved, _current.Items);
            _disk.Save(Moment, who);
            return differences;
        }
    }

    /// <summary>The present state for those who look: what waits, what is not saved, and the revisions, oldest first.</summary>
    public PolicyOverview Overview()
    {
        lock (_writers)
        {
            return new PolicyOverview(_current, [.. _pending.All], PolicyItems.Diff(_disk.Saved, _current.Items), _disk.IsSaved, [.. _history]);
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

            var items = before.Items.With(wanted, _ipv6Prefix, out var errors);
            if (errors.Count == 0 && _pending.All.Count >= MaxPending && (change.Ttl ?? change.ConfirmWithin) is not null)
            {
                errors = [("", $"{MaxPending} changes wait to be taken back; confirm or end some first")];
            }

            if (errors.Count > 0)
            {
                return new PolicyResult(before, before) { Errors = errors };
            }

            var now = _time.GetUtcNow();
            items = items.WithoutEndedBans(now);
            result = new PolicyResult(before, Next(items)) { RevertsAt = now + change.Ttl, ConfirmBy = now + change.ConfirmWithin };
            if (change.DryRun)
            {
                return result;
            }

            made = Publish(result.After, change.Who, change.Reason);
            var differences = TakeOver(wanted.Keys, change, made);
            Await(result.ConfirmBy, needsConfirmation: true, made, differences);
            Await(result.RevertsAt, needsConfirmation: false, made, differences);
            if (result.RevertsAt is null)
            {
                _disk.Refresh(Moment, Itself);
            }
            else if (!_disk.TryKeep(Moment, Itself, out var warning))
            {
                result = result with { Warnings = [warning!] };
            }
        }

        Changed?.Invoke(made);
        return result;
    }

    // What is set for good is not taken back by an earlier change; what is set again for a time is for the new time.
    private IReadOnlyList<PolicyDifference> TakeOver(IEnumerable<string> paths, PolicyChange change, PolicyRevision made)
    {
        var normal = new HashSet<string>(paths.Select(PolicyGrammar.PathOf));
        if (change is { Ttl: null, ConfirmWithin: null })
        {
            _pending.Forget(normal);
            return [];
        }

        normal.ExceptWith(made.Differences.Select(difference => difference.Path));
        return change.Ttl is null
            ? made.Differences
            : [.. made.Differences, .. normal.Select(path => _pending.TakeOver(path, made.Items[path])).OfType<PolicyDifference>()];
    }

    private void Await(DateTimeOffset? due, bool needsConfirmation, PolicyRevision made, IReadOnlyList<PolicyDifference> differences)
    {
        if (due is { } moment)
        {
            _pending.Add([new PendingRevert(made.Revision, moment, needsConfirmation, differences)]);
        }
    }

    private void RevertDue()
    {
        var made = new List<PolicyRevision>();
        lock (_writers)
        {
            var isAny = false;
            while (_pending.TakeDue() is { } pending)
            {
                isAny = true;
                foreach (var difference in pending.Differences.Where(difference => _current.Items[difference.Path] != difference.After))
                {
                    _pending.Rebase(pending.Revision, difference);
                }

                var items = _current.Items.With(_current.Items.Undo(pending.Differences), _ipv6Prefix, out _);
                if (PolicyItems.Diff(_current.Items, items).Count > 0)
                {
                    made.Add(Publish(Next(items), Itself, pending.NeedsConfirmation
                        ? $"revision {pending.Revision} was not confirmed in time"
                        : $"the time of revision {pending.Revision} is over"));
                }
            }

            if (isAny)
            {
                _disk.Refresh(Moment, Itself);
            }
        }

        made.ForEach(revision => Changed?.Invoke(revision));
    }

    private LimitPolicy Next(PolicyItems items)
    {
        var revision = Math.Max(_current.Revision, _disk.Spent) + 1;
        var sameShadow = !PolicyItems.Diff(_current.Items, items).Any(difference => difference.Path.StartsWith(PolicyItems.Shadow, StringComparison.Ordinal));
        return new LimitPolicy(items, _ipv6Prefix, revision, sameShadow ? _current.ShadowSince : revision);
    }

    private PolicyRevision Publish(LimitPolicy policy, string who, string reason)
    {
        _disk.Cover(policy.Revision);
        var differences = PolicyItems.Diff(_current.Items, policy.Items);
        _current = policy;
        return Remember(who, reason, differences);
    }

    private PolicyRevision Remember(string who, string reason, IReadOnlyList<PolicyDifference> differences)
    {
        var made = new PolicyRevision(_current.Revision, _time.GetUtcNow(), who, reason, _current.Items, differences);
        _history.Add(made);
        if (_history.Count > MaxHistory)
        {
            _history.RemoveAt(0);
        }

        return made;
    }
}
