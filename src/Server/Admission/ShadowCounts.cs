using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>
/// What the shadow limits would have decided. They see the counts of the live limits: this shows which decisions differ,
/// not how the relay would look had it been in force. Touched only under the ledger's lock.
/// </summary>
internal sealed class ShadowCounts(TimeProvider time)
{
    private readonly long[] _refused = new long[Rejections.Count];
    private TokenBucket _rate;
    private long _since;
    private long _admits;

    public ShadowTotals Totals(LimitPolicy policy) => policy.Shadow is not null && policy.ShadowSince == _since
        ? new ShadowTotals(_admits, [.. _refused])
        : new ShadowTotals(0, new long[Rejections.Count]);

    /// <summary>The shadow's own rates, for trying.</summary>
    public RateBuckets Rates(LimitPolicy policy, TokenBucket key) => new(key, policy.ShadowSince == _since ? _rate : default);

    /// <summary>Evaluates one attempt and counts where the verdict differs from <paramref name="refusal"/>, the live one.</summary>
    public Refusal Count(LimitPolicy policy, in RuleInput input, Refusal refusal, ref KeyRecord record)
    {
        if (policy.Shadow is not { } shadow)
        {
            return Refusal.None;
        }

        if (_since != policy.ShadowSince)
        {
            (_since, _rate, _admits) = (policy.ShadowSince, default, 0);
            Array.Clear(_refused);
        }

        var verdict = AdmissionRules.Evaluate(shadow, input, ref record.ShadowRate, ref _rate, time);
        if (verdict.Refusal == Refusal.None && verdict.Limits.IsCounted)
        {
            AdmissionRules.TakeRates(shadow, ref record.ShadowRate, ref _rate);
        }

        if (verdict.Refusal == Refusal.None && refusal != Refusal.None)
        {
            _admits++;
        }
        else if (verdict.Refusal != Refusal.None && refusal == Refusal.None)
        {
            _refused[(int)verdict.Refusal]++;
            record.ShadowRefused++;
        }

        return verdict.Refusal;
    }
}
