using Relay.Limits;

namespace Relay.Admission;

/// <summary>Who was refused: by reason, and how fast each key. Touched only under the ledger's lock; the two totals are read anywhere.</summary>
internal sealed class RefusalBooks(RungThresholds rungs, TimeProvider time)
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

    /// <summary>Counts one, and says on which rung its key stands by itself.</summary>
    public Rung Count(ref KeyRecord record, Refusal refusal, long now)
    {
        var rung = record.Refusals.Count(rungs, now, time);
        record.Refused++;
        _byReason[(int)refusal]++;
        _all++;
        _calm += rung == Rung.Flooded ? 0 : 1;
        return rung;
    }

    public Rung RungOf(ref KeyRecord record, long now) => record.Refusals.Current(rungs, now, time);
}
