namespace Relay.Admission;

/// <summary>Who was refused: by reason, and how fast each key. Touched only under the ledger's lock; the two totals are read anywhere.</summary>
internal sealed class RefusalCounts(OverloadThresholds levels, TimeProvider time)
{
    private readonly long[] _byReason = new long[Rejections.Count];

    // Written under the ledger's lock.
    private long _all;
    private long _calm;

    /// <summary>Refused since the start, for whatever reason.</summary>
    public long All => Interlocked.Read(ref _all);

    /// <summary>Those of them whose key did not flood by itself.</summary>
    public long Calm => Interlocked.Read(ref _calm);

    /// <summary>By <see cref="Refusal"/>.</summary>
    public IReadOnlyList<long> ByReason => [.. _byReason];

    /// <summary>Counts one, and says on which level its key stands by itself.</summary>
    public Policy.OverloadLevel Count(ref OverloadMeter meter, Refusal refusal, long now)
    {
        var level = meter.Count(levels, now, time);
        _byReason[(int)refusal]++;
        _all++;
        _calm += level == Policy.OverloadLevel.Critical ? 0 : 1;
        return level;
    }

    /// <summary>The level of a key now, and after one more refusal. Counts nothing.</summary>
    public (Policy.OverloadLevel Now, Policy.OverloadLevel Next) LevelsOf(OverloadMeter meter, long now)
    {
        var level = meter.Current(levels, now, time);
        return (level, meter.Count(levels, now, time));
    }
}
