using Google.Protobuf.WellKnownTypes;
using Relay.Admission;
using Relay.Events;
using Relay.Memory;
using Relay.Policy;
using Relay.Telemetry;

namespace Relay.History;

/// <summary>
/// What the relay did in the last 24 hours: a sample every 10 s of figures that are there to be read, and what happened meanwhile. In memory only, and bounded.
/// </summary>
internal sealed class HistoryRecorder
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly ConnectionLedger _ledger;
    private readonly LimitPolicyStore _policies;
    private readonly OverloadMonitor _overload;
    private readonly MemoryCeiling _memory;
    private readonly MemoryBudget _budget;
    private readonly RelayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly SampleRing _samples = new();
    private readonly HistoryMarks _marks = new();
    private OverloadLevel _highest;

    // Sample's alone: the counts since the start, as of the last sample.
    private long _lastAt;
    private HistorySample _last;

    public HistoryRecorder(
        ConnectionLedger ledger, LimitPolicyStore policies, OverloadMonitor overload, MemoryCeiling memory, MemoryBudget budget, RelayMetrics metrics, TimeProvider time)
    {
        (_ledger, _policies, _overload, _memory, _budget, _metrics, _time) = (ledger, policies, overload, memory, budget, metrics, time);
        (_lastAt, _last) = (time.GetTimestamp(), Counts(ledger.Totals()));
    }

    public void Sample()
    {
        var now = _time.GetTimestamp();
        var seconds = _time.GetElapsedTime(_lastAt, now).TotalSeconds;
        if (seconds <= 0)
        {
            return;
        }

        var totals = _ledger.Totals();
        var counts = Counts(totals);
        var sample = counts;
        sample.At = _time.GetUtcNow().UtcTicks;
        sample.Seconds = seconds;
        sample.Admitted -= _last.Admitted;
        sample.Forwards -= _last.Forwards;
        Subtract(sample.Refused, _last.Refused);
        Subtract(sample.ForwardTimes, _last.ForwardTimes);
        sample.Clients = totals.Live;
        sample.Limit = _policies.Current.Total;
        sample.Ceiling = Math.Min(sample.Limit, totals.Ceiling.Value);
        sample.ResidentBytes = _memory.Last.Resident;
        sample.UsedBytes = _budget.Used;
        (_lastAt, _last) = (now, counts);
        lock (_lock)
        {
            // What was reached between two samples, unless the policy says what the level is.
            var level = _overload.OverloadLevel;
            sample.Level = _overload.Pinned is null && _highest > level ? _highest : level;
            _highest = level;
            _samples.Add(sample);
        }
    }

    public void Mark(in PublishedEvent published)
    {
        lock (_lock)
        {
            _marks.Add(published);
            if (published.Event is OverloadLevelChanged { After: var level } && level > _highest)
            {
                _highest = level;
            }
        }
    }

    /// <summary>The last <paramref name="span"/>, in as many samples at most, of which neighbours are merged where there are more.</summary>
    public AdminApi.History Read(TimeSpan span, int maxSamples)
    {
        var until = _time.GetUtcNow();
        var interval = IntervalFor(span, maxSamples);

        // Groups begin at multiples of the interval, so that what is merged does not change with the moment of asking; the first is whole.
        var after = until - span;
        after = interval == Interval ? after : new DateTimeOffset(after.UtcTicks - (after.UtcTicks % interval.Ticks), TimeSpan.Zero);
        var history = new AdminApi.History { Interval = Duration.FromTimeSpan(interval) };
        lock (_lock)
        {
            var ages = Ages(after.UtcTicks, until.UtcTicks, interval == Interval ? maxSamples : SampleRing.Capacity);
            var merger = new SampleMerger(_metrics.ForwardTimes);
            var group = 0L;
            for (var i = ages.Count - 1; i >= 0; i--)
            {
                ref readonly var sample = ref _samples[ages[i]];
                var its = interval == Interval ? ages[i] : (sample.At - 1) / interval.Ticks;
                if (its != group && !merger.IsEmpty)
                {
                    history.Samples.Add(merger.Take(_budget.Limit));
                }

                group = its;
                merger.Add(sample);
            }

            if (!merger.IsEmpty)
            {
                history.Samples.Add(merger.Take(_budget.Limit));
            }

            history.Marks.Add(_marks.Between(after, until));
        }

        return history;
    }

    private static TimeSpan IntervalFor(TimeSpan span, int maxSamples)
    {
        var samples = (long)Math.Ceiling(span / Interval);

        // One group more than fit into the span: it begins in the middle of one, and ends in the middle of another.
        return samples <= maxSamples ? Interval : Interval * ((samples + maxSamples - 2) / (maxSamples - 1));
    }

    // From the newest to the oldest, each earlier than the one before: where the clock was set back, what was recorded after that stands.
    private List<int> Ages(long after, long until, int max)
    {
        var ages = new List<int>();
        for (var age = 0; age < _samples.Count && ages.Count < max; age++)
        {
            var at = _samples[age].At;
            if (at > after && (ages.Count == 0 ? at <= until : at < _samples[ages[^1]].At))
            {
                ages.Add(age);
            }
        }

        return ages;
    }

    private HistorySample Counts(LedgerTotals totals)
    {
        var counts = new HistorySample { Admitted = totals.Admitted, Forwards = _metrics.ForwardsSent };
        for (var i = 0; i < totals.Refused.Count; i++)
        {
            counts.Refused[i] = totals.Refused[i];
        }

        _metrics.ForwardTimes.CopyTo(counts.ForwardTimes);
        return counts;
    }

    private static void Subtract(Span<long> from, ReadOnlySpan<long> counts)
    {
        for (var i = 0; i < from.Length; i++)
        {
            from[i] -= counts[i];
        }
    }
}
