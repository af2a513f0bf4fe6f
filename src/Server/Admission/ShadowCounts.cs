using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>
/// What the second set of limits would have said. It sees the counts of the live limits: it tells which decisions differ,
/// not how the relay would look had it been in force. Touched only under the ledger's lock.
/// </summary>
internal sealed class ShadowCounts
{
    private readonly long[] _refused = new long[Rejections.Count];
    private TokenBucket _rate;
    private long _since;
    private long _admits;

    public ShadowTotals Totals(LimitPolicy policy) => policy.Shadow is not null && policy.ShadowSince == _since
        ? new ShadowTotals(_admits, [.. _refused])
        : new ShadowTotals(0, new long[Rejections.Count]);

    /// <summary>The same attempt as the shadow sees it; null without a shadow.</summary>
    public RuleInput? Of(in RuleInput live, TokenBucket keyRate) => live.Policy.Shadow is { } shadow
        ? live with { Policy = shadow, KeyRate = keyRate, TotalRate = live.Policy.ShadowSince == _since ? _rate : default }
        : null;

    /// <summary>Evaluates one attempt and counts where the verdict differs from <paramref name="refusal"/>, the live one.</summary>
    public Refusal Count(in RuleInput live, Refusal refusal, ref KeyRecord record)
    {
        if (live.Policy.Shadow is null)
        {
            return Refusal.None;
        }

        if (_since != live.Policy.ShadowSince)
        {
            (_since, _rate, _admits) = (live.Policy.ShadowSince, default, 0);
            Array.Clear(_refused);
        }

        var input = Of(live, record.ShadowRate)!.Value;
        var verdict = AdmissionRules.Evaluate(input);
        if (verdict.Refusal == Refusal.None && verdict.Limits.IsCounted)
        {
            verdict.TakeRates(input.Policy, ref record.ShadowRate, ref _rate);
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
