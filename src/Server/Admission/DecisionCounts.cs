using Relay.Policy;

namespace Relay.Admission;

/// <summary>What a decision on an address would be made from.</summary>
/// <param name="Levels">The level of the address alone: now, and if this attempt were refused.</param>
internal readonly record struct DecisionInputs(
    LimitPolicy Policy, RuleInput Input, RateBuckets Rates, RateBuckets ShadowRates, (OverloadLevel Now, OverloadLevel Next) Levels);

/// <summary>
/// What is counted about decisions, beside the connections themselves: refusals by reason, what the shadow would have said,
/// the latest admissions, which decisions are logged. Touched only under the ledger's lock.
/// </summary>
internal sealed class DecisionCounts(OverloadThresholds levels, TimeProvider time)
{
    // What a dry run is tried on: more than the default rate of all together admits in 16 seconds, and at the rate of a quiet
    // relay ten minutes and longer.
    private const int RememberedAdmissions = 16_384;

    // A clock is read and a histogram kept for one decision in so many: it costs as much as half a decision.
    private const uint Timed = 8;

    private uint _decided;

    public RefusalCounts Refusals { get; } = new(levels, time);

    public ShadowCounts Shadow { get; } = new(time);

    public RecentAdmissions Recent { get; } = new(RememberedAdmissions);

    public long Admitted { get; private set; }

    /// <summary>Counts one decision on <paramref name="record"/>.</summary>
    public void Count(LimitPolicy policy, in RuleInput input, in Verdict verdict, ref KeyRecord record, out Decision decision)
    {
        var shadow = Shadow.Count(policy, input, verdict.Refusal, ref record);
        var level = OverloadLevel.Normal;
        if (verdict.Refusal != Refusal.None)
        {
            level = Refusals.Count(ref record.Refusals, verdict.Refusal, input.Now);
        }
        else if (verdict.Limits.IsCounted)
        {
            Admitted++;
            Recent.Add(input.Now, input.Address, input.Key, input.Live);
        }

        decision = default;
        decision.Refusal = verdict.Refusal;
        decision.Shadow = shadow;
        decision.HasShadow = policy.Shadow is not null;
        decision.Key = input.Key;
        decision.Live = input.Live;
        decision.ClusterTotal = input.Local.Total + input.Remote.Total;
        decision.Max = new LiveCounts(
            Math.Min(verdict.Limits.Max.Total, input.Ceiling.Value), input.Key.IsSubject && input.Subject.Limit > 0 ? input.Subject.Limit : verdict.Limits.Max.Key, verdict.Limits.Max.Near, verdict.Limits.Max.Far);
        decision.Wait = verdict.Wait;
        decision.OverloadLevel = level;
        decision.IsLogged = record.TakeLog(verdict.Refusal != Refusal.None, input.Now, time, out var suppressed);
        decision.Suppressed = suppressed;
        decision.IsTimed = _decided++ % Timed == 0;
    }
}
