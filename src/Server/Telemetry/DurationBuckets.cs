namespace Relay.Telemetry;

/// <summary>How many durations fell between which bounds, in seconds; the last bucket has what is longer than every bound. Thread-safe.</summary>
internal sealed class DurationBuckets(params double[] bounds)
{
    // Atomic.
    private readonly long[] _counts = new long[bounds.Length + 1];

    public IReadOnlyList<double> Bounds => bounds;

    public void Add(double seconds)
    {
        var index = Array.BinarySearch(bounds, seconds);
        Interlocked.Increment(ref _counts[index < 0 ? ~index : index]);
    }

    /// <summary>The counts since the start, one for each bound and one for the rest.</summary>
    public void CopyTo(Span<long> counts)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            counts[i] = Interlocked.Read(ref _counts[i]);
        }
    }

    /// <summary>
    /// What so large a part of the durations did not exceed, taken as spread evenly over their bucket; the last bound where it is in the last bucket. Null: there are none.
    /// </summary>
    /// <param name="counts">As of <see cref="CopyTo"/>, of any time.</param>
    /// <param name="part">0 to 1.</param>
    public TimeSpan? Quantile(ReadOnlySpan<long> counts, double part)
    {
        var all = 0L;
        foreach (var count in counts)
        {
            all += count;
        }

        if (all == 0)
        {
            return null;
        }

        var rank = part * all;
        var below = 0L;
        for (var i = 0; i < bounds.Length; i++)
        {
            if (counts[i] > 0 && below + counts[i] >= rank)
            {
                var from = i == 0 ? 0 : bounds[i - 1];
                return TimeSpan.FromSeconds(from + ((bounds[i] - from) * (rank - below) / counts[i]));
            }

            below += counts[i];
        }

        return TimeSpan.FromSeconds(bounds[^1]);
    }
}
