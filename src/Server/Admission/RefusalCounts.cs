using Relay.Policy;

namespace Relay.Admission;

/// <summary>Who was refused: by reason, and how fast each key. Touched only under the ledger's lock; the two totals are read anywhere.</summary>
internal sealed class RefusalCounts(OverloadThresholds levels, TimeProvider time)
{
    private readonly long[] _byReason = new long[RefusalReasons.Count];

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
    public OverloadLevel Count(ref KeyRecord record, Refusal refusal, long now)
    {
        var level = record.Refusals.Count(levels, now, time);
        record.Refused++;
        _byReason[(int)refusal]++;
        _all++;
        _calm += level == OverloadLevel.Critical ? 0 : 1;
        return level;
    }

    public OverloadLevel LevelOf(ref KeyRecord record, long now) => record.Refusals.Current(levels, now, time);
}
