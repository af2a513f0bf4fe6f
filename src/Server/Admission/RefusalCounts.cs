namespace Relay.Admission;

/// <summary>Refusals by reason, and the rate of each key. Touched only under the ledger's lock; the two totals are read anywhere.</summary>
internal sealed class RefusalCounts(OverloadThresholds levels, TimeProvider time)
{
    private readonly long[] _byReason = new long[Rejections.Count];

    // Written under the ledger's lock.
    private long _all;
    private long _nonFlooding;

    /// <summary>Refused since the start, in total.</summary>
    public long All => Interlocked.Read(ref _all);

    /// <summary>Refusals of keys that do not flood.</summary>
    public long NonFlooding => Interlocked.Read(ref _nonFlooding);

    /// <summary>By <see cref="Refusal"/>.</summary>
    public IReadOnlyList<long> ByReason => [.. _byReason];

    /// <summary>Counts one, and returns the level of its key.</summary>
    public Policy.OverloadLevel Count(ref OverloadMeter meter, Refusal refusal, long now)
    {
        var level = meter.Count(levels, now, time);
        _byReason[(int)refusal]++;
        _all++;
        _nonFlooding += level == Policy.OverloadLevel.Critical ? 0 : 1;
        return level;
    }

    /// <summary>The level of a key now, and after one more refusal. Counts nothing.</summary>
    public (Policy.OverloadLevel Now, Policy.OverloadLevel Next) LevelsOf(OverloadMeter meter, long now)
    {
        var level = meter.Current(levels, now, time);
        return (level, meter.Count(levels, now, time));
    }
}
