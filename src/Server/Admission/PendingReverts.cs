namespace Relay.Admission;

/// <summary>What is to be taken back, and when. Guarded by the store's lock; one timer for all.</summary>
internal sealed class PendingReverts(TimeProvider time, Action due) : IDisposable
{
    // A timer's range ends at seven weeks; a longer wait is made of days.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly List<PendingRevert> _all = [];
    private ITimer? _timer;

    public IReadOnlyList<PendingRevert> All => _all;

    public void Add(PendingRevert pending)
    {
        _all.Add(pending);
        Schedule();
    }

    /// <summary>Takes those out whose time has come, in the order of their time.</summary>
    public IReadOnlyList<PendingRevert> TakeDue()
    {
        var now = time.GetUtcNow();
        var ready = _all.Where(pending => pending.Due <= now).OrderBy(pending => pending.Due).ToList();
        _all.RemoveAll(ready.Contains);
        Schedule();
        return ready;
    }

    /// <summary>Takes out what waits for a confirmation, of one revision or of all; false when nothing does.</summary>
    public bool Confirm(long? revision)
    {
        var count = _all.RemoveAll(pending => pending.NeedsConfirmation && (revision is null || pending.Revision == revision));
        Schedule();
        return count > 0;
    }

    public void Dispose() => _timer?.Dispose();

    private void Schedule()
    {
        if (_all.Count == 0)
        {
            _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        var wait = _all.Min(pending => pending.Due) - time.GetUtcNow();
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : wait > LongestWait ? LongestWait : wait;
        _timer ??= time.CreateTimer(_ => due(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }
}
