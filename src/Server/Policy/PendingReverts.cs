namespace Relay.Policy;

/// <summary>What is to be taken back, and when. Guarded by the store's lock; one timer for all.</summary>
internal sealed class PendingReverts(TimeProvider time, Action due) : IDisposable
{
    // A timer's range ends at seven weeks; a longer wait is made of days.
    private static readonly TimeSpan MaxWait = TimeSpan.FromDays(1);

    // In the order of their revisions.
    private readonly List<PendingRevert> _all = [];
    private ITimer? _timer;

    public IReadOnlyList<PendingRevert> All => _all;

    public void Add(IEnumerable<PendingRevert> pending)
    {
        _all.AddRange(pending);
        Schedule();
    }

    /// <summary>Takes out the one that has been due the longest, the newest of those that are due together; null: none is.</summary>
    public PendingRevert? TakeDue()
    {
        var now = time.GetUtcNow();
        var ready = _all.Where(pending => pending.Due <= now).OrderBy(pending => pending.Due).ThenByDescending(pending => pending.Revision).FirstOrDefault();
        if (ready is not null)
        {
            _all.Remove(ready);
            // Not confirmed: what the same change promised to take back later is taken back with it.
            _all.RemoveAll(pending => ready.NeedsConfirmation && pending.Revision == ready.Revision);
        }

        Schedule();
        return ready;
    }

    /// <summary>Takes out what waits for a confirmation, of one revision or of all: the revisions that did.</summary>
    public IReadOnlyList<long> Confirm(long? revision)
    {
        long[] confirmed = [.. _all.Where(pending => pending.NeedsConfirmation && (revision is null || pending.Revision == revision)).Select(pending => pending.Revision)];
        _all.RemoveAll(pending => pending.NeedsConfirmation && confirmed.Contains(pending.Revision));
        Schedule();
        return confirmed;
    }

    /// <summary>These items were set anew and stay: nothing takes them back.</summary>
    public void Forget(IReadOnlySet<string> paths)
    {
        Replace(_ => true, difference => paths.Contains(difference.Path) ? null : difference);
        _all.RemoveAll(pending => pending.Differences.Count == 0 && !pending.NeedsConfirmation);
        Schedule();
    }

    /// <summary>
    /// An item is in force for a time already, and is now to be for another: the difference that takes it back, from the
    /// change that made it, which forgets it. Null: it is not for a time.
    /// </summary>
    public PolicyDifference? TakeOver(string path, string? text)
    {
        var taken = _all.SelectMany(pending => pending.Differences).LastOrDefault(difference => difference.Path == path && difference.After == text);
        Replace(_ => true, difference => difference == taken ? null : difference);
        _all.RemoveAll(pending => pending.Differences.Count == 0 && !pending.NeedsConfirmation);
        Schedule();
        return taken;
    }

    /// <summary>
    /// The time of a change of <paramref name="revision"/> is over while a later one lies on top of it: the later goes back
    /// to what was before both.
    /// </summary>
    public void Rebase(long revision, PolicyDifference over)
    {
        var next = _all.Where(pending => pending.Revision > revision && pending.Differences.Any(IsOnTop)).Select(pending => pending.Revision).DefaultIfEmpty().Min();
        Replace(pending => pending.Revision == next, difference => IsOnTop(difference) ? difference with { Before = over.Before } : difference);

        bool IsOnTop(PolicyDifference difference) => difference.Path == over.Path && difference.Before == over.After;
    }

    public void Dispose() => _timer?.Dispose();

    private void Replace(Func<PendingRevert, bool> which, Func<PolicyDifference, PolicyDifference?> with)
    {
        for (var i = 0; i < _all.Count; i++)
        {
            if (which(_all[i]))
            {
                _all[i] = _all[i] with { Differences = [.. _all[i].Differences.Select(with).OfType<PolicyDifference>()] };
            }
        }
    }

    private void Schedule()
    {
        if (_all.Count == 0)
        {
            _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        var wait = _all.Min(pending => pending.Due) - time.GetUtcNow();
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : wait > MaxWait ? MaxWait : wait;
        _timer ??= time.CreateTimer(_ => due(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }
}
