using Relay.Addresses;
using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>
/// What the second set of limits would have said. It sees the counts of the live limits: it tells which decisions differ,
/// not how the relay would look had it been in force. Touched only under the ledger's lock.
/// </summary>
internal sealed class ShadowCounts(TimeProvider time)
{
    private readonly long[] _refused = new long[RefusalReasons.Count];
    private TokenBucket _rate;
    private long _since;
    private long _admits;

    /// <summary>Judges one attempt and counts where the verdict differs from <paramref name="refusal"/>, the live one.</summary>
    public Refusal Judge(LimitPolicy policy, IpKey address, in LiveCounts live, int ceiling, Refusal refusal, long now, ref KeyRecord record) =>
        policy.Shadow is { } shadow ? Judge(policy, shadow, address, live, ceiling, refusal, now, ref record) : Refusal.None;

    public ShadowTotals Totals(LimitPolicy policy) => policy.Shadow is not null && policy.ShadowSince == _since
        ? new ShadowTotals(_admits, [.. _refused])
        : new ShadowTotals(0, new long[RefusalReasons.Count]);

    private Refusal Judge(
        LimitPolicy policy, LimitPolicy shadow, IpKey address, in LiveCounts live, int ceiling, Refusal refusal, long now, ref KeyRecord record)
    {
        if (_since != policy.ShadowSince)
        {
            (_since, _rate, _admits) = (policy.ShadowSince, default, 0);
            Array.Clear(_refused);
        }

        var limits = shadow.For(address, record.Key, time);
        var verdict = limits.Judge(record.Key, live, ceiling);
        if (verdict == Refusal.None && limits.IsCounted)
        {
            verdict = shadow.TakeRate(limits.RateScale, ref record.ShadowRate, ref _rate, now, time, out _);
        }

        if (verdict == Refusal.None && refusal != Refusal.None)
        {
            _admits++;
        }
        else if (verdict != Refusal.None && refusal == Refusal.None)
        {
            _refused[(int)verdict]++;
            record.ShadowRefused++;
        }

        return verdict;
    }
}
