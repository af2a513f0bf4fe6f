using System.Runtime.CompilerServices;
using Relay.Addresses;
using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>
/// The admission decision, and the only place where the order of its rules is written: the relay's state, bans, denials, authentication,
/// unlimited networks, total, the cluster's total, ceiling, address, networks, person, rates. Pure, and allocates nothing without a trace: buckets are
/// refilled up to the input's moment, and nothing is taken from them. The accept filter, the upgrade, explain, dry runs and
/// the shadow limits call it with different inputs.
/// </summary>
internal static class AdmissionRules
{
    public static Verdict Evaluate(
        LimitPolicy policy, in RuleInput input, ref TokenBucket keyRate, ref TokenBucket totalRate, TimeProvider time, RuleTrace? trace = null)
    {
        var limits = KeyLimits.Of(policy, input.Address, input.Key);
        var wait = TimeSpan.Zero;
        var refusal = ByIdentity(policy, input, limits.Kind, time);
        if (refusal == Refusal.None || trace is not null)
        {
            var byCount = ByCounts(policy, input, limits, trace);
            refusal = refusal == Refusal.None ? byCount : refusal;
        }

        if (limits.IsCounted && (refusal == Refusal.None || trace is not null))
        {
            var keyWait = policy.RatePerIp.WaitFor(limits.RateScale, ref keyRate, input.Now, time);
            var totalWait = policy.RateTotal.WaitFor(1, ref totalRate, input.Now, time);
            if (trace is not null)
            {
                (trace.KeyWait, trace.TotalWait) = (keyWait, totalWait);
            }

            if (refusal == Refusal.None)
            {
                (refusal, wait) = keyWait > TimeSpan.Zero ? (Refusal.RatePerIp, keyWait)
                    : totalWait > TimeSpan.Zero ? (Refusal.RateTotal, totalWait)
                    : (Refusal.None, TimeSpan.Zero);
            }
        }

        return new Verdict(refusal, limits, wait);
    }

    /// <summary>The same on copies of the buckets.</summary>
    public static Verdict Evaluate(LimitPolicy policy, in RuleInput input, RateBuckets rates, TimeProvider time, RuleTrace? trace = null) =>
        Evaluate(policy, input, ref rates.Key, ref rates.Total, time, trace);

    /// <summary>Takes one admission from both rates, after a verdict that admits.</summary>
    public static void TakeRates(LimitPolicy policy, ref TokenBucket keyRate, ref TokenBucket totalRate)
    {
        policy.RatePerIp.Take(ref keyRate);
        policy.RateTotal.Take(ref totalRate);
    }

    /// <summary>Whether an address is kept out, whatever it connects as.</summary>
    /// <param name="isBanned">By an automatic ban.</param>
    public static Refusal ByAddress(LimitPolicy policy, IpKey address, OverrideKind kind, bool isBanned) =>
        isBanned || (policy.HasBans && policy.BanOf(address) is not null) ? Refusal.Banned
        : kind == OverrideKind.Deny ? Refusal.Denied
        : Refusal.None;

    // Whoever it is, and however many there are.
    private static Refusal ByIdentity(LimitPolicy policy, in RuleInput input, OverrideKind kind, TimeProvider time) =>
        input.Standing.ClosedBy != Refusal.None ? input.Standing.ClosedBy
        : ByAddressOf(policy, input, kind) is not Refusal.None and var refusal ? refusal
        : input.Standing.Authentication != Refusal.None ? input.Standing.Authentication
        : input.Subject.IsSomebody && policy.BanOfSubject(input.Subject.Key) is not null ? Refusal.Banned
        : Refusal.None;

    private static Refusal ByAddressOf(LimitPolicy policy, in RuleInput input, OverrideKind kind) =>
        input.Address.IsUnresolved || input.Key.IsUnresolved ? (policy.RefusesUnresolved ? Refusal.Unresolved : Refusal.None)
        : ByAddress(policy, input.Address, kind, input.Standing.IsBanned);

    private static Refusal ByCounts(LimitPolicy policy, in RuleInput input, KeyLimits limits, RuleTrace? trace)
    {
        var live = input.Live;
        if (!limits.IsCounted)
        {
            trace?.Add(Refusal.PerIpLimit, policy, input, limits, live.Key, limits.Max.Key);
            var ofSubject = Refusal.None;
            _ = IsSubjectFull(policy, input, limits, trace, ref ofSubject);
            return ofSubject;
        }

        var (key, max, first) = (input.Key, limits.Max, Refusal.None);

        _ = Stops(Refusal.TotalLimit, live.Total, max.Total, policy, input, limits, trace, ref first)
            || (input.ClusterTotal > 0 && Stops(Refusal.ClusterTotalLimit, input.Local.Total + input.Remote.Total, input.ClusterTotal, policy, input, limits, trace, ref first))
            || Stops(Refusal.Ceiling, input.Local.Total, input.Ceiling.Value, policy, input, limits, trace, ref first)
            || (!key.IsSubject
                && (Stops(key.IsUnresolved ? Refusal.UnresolvedLimit : Refusal.PerIpLimit, live.Key, max.Key, policy, input, limits, trace, ref first)
                    || Stops(key.IsIpv6 ? Refusal.Per56Limit : Refusal.Per24Limit, live.Near, max.Near, policy, input, limits, trace, ref first)
                    || Stops(Refusal.Per48Limit, live.Far, max.Far, policy, input, limits, trace, ref first)))
            || IsSubjectFull(policy, input, limits, trace, ref first);
        return first;
    }

    private static bool IsSubjectFull(LimitPolicy policy, in RuleInput input, KeyLimits limits, RuleTrace? trace, ref Refusal first) =>
        input.Subject is { IsSomebody: true, Live: var live, Limit: var limit }
        && Stops(Refusal.PerSubjectLimit, live, limit == 0 ? int.MaxValue : limit, policy, input, limits, trace, ref first);

    // True when no further limit needs a look. Inlined, because five calls would cost a tenth of a decision.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Stops(Refusal refusal, int count, int limit, LimitPolicy policy, in RuleInput input, KeyLimits limits, RuleTrace? trace, ref Refusal first)
    {
        trace?.Add(refusal, policy, input, limits, count, limit);
        if (count >= limit && first == Refusal.None)
        {
            first = refusal;
        }

        return first != Refusal.None && trace is null;
    }
}
