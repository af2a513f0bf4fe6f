using Relay.Policy;

namespace Relay.Admission;

/// <summary>
/// The admission decision, and the only place where the order of its rules is written: the relay's state, bans, denials,
/// unlimited networks, total, ceiling, address, networks, rates. Pure, and allocates nothing without a trace. The accept
/// filter, the upgrade, explain, dry runs and the shadow limits call it with different inputs.
/// </summary>
internal static class AdmissionRules
{
    public static Verdict Evaluate(in RuleInput input, RuleTrace? trace = null)
    {
        var limits = KeyLimits.Of(input.Policy, input.Address, input.Key);
        var (keyRate, totalRate) = (input.KeyRate, input.TotalRate);
        var wait = TimeSpan.Zero;
        var refusal = ByIdentity(input, limits.Kind);
        if (refusal == Refusal.None || trace is not null)
        {
            var byCount = ByCounts(input, limits, trace);
            refusal = refusal == Refusal.None ? byCount : refusal;
        }

        if (limits.IsCounted && (refusal == Refusal.None || trace is not null))
        {
            var keyWait = input.Policy.RatePerIp.WaitFor(limits.RateScale, ref keyRate, input.Now, input.Time);
            var totalWait = input.Policy.RateTotal.WaitFor(1, ref totalRate, input.Now, input.Time);
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

        return new Verdict(refusal, limits, wait, keyRate, totalRate);
    }

    // Whoever it is, and however many there are.
    private static Refusal ByIdentity(in RuleInput input, OverrideKind kind) =>
        input.Standing.ClosedBy != Refusal.None ? input.Standing.ClosedBy
        : input.Key.IsUnresolved ? (input.Policy.RefusesUnresolved ? Refusal.Unresolved : Refusal.None)
        : input.Standing.IsBanned || input.Policy.BanOf(input.Address, input.Time) is not null ? Refusal.Banned
        : kind == OverrideKind.Deny ? Refusal.Denied
        : Refusal.None;

    private static Refusal ByCounts(in RuleInput input, in KeyLimits limits, RuleTrace? trace)
    {
        var live = input.Local + input.Remote;
        if (!limits.IsCounted)
        {
            trace?.Add(Refusal.PerIpLimit, input, limits, live.Key, limits.Max.Key);
            return Refusal.None;
        }

        var (key, max, first) = (input.Key, limits.Max, Refusal.None);

        // The ceiling is this process's own.
        _ = Stops(Refusal.TotalLimit, live.Total, max.Total, input, limits, trace, ref first)
            || Stops(Refusal.Ceiling, input.Local.Total, input.Ceiling.Value, input, limits, trace, ref first)
            || Stops(key.IsUnresolved ? Refusal.UnresolvedLimit : Refusal.PerIpLimit, live.Key, max.Key, input, limits, trace, ref first)
            || Stops(key.IsIpv6 ? Refusal.Per56Limit : Refusal.Per24Limit, live.Near, max.Near, input, limits, trace, ref first)
            || Stops(Refusal.Per48Limit, live.Far, max.Far, input, limits, trace, ref first);
        return first;
    }

    // True when no further limit needs a look.
    private static bool Stops(Refusal refusal, int count, int limit, in RuleInput input, in KeyLimits limits, RuleTrace? trace, ref Refusal first)
    {
        trace?.Add(refusal, input, limits, count, limit);
        if (count >= limit && first == Refusal.None)
        {
            first = refusal;
        }

        return first != Refusal.None && trace is null;
    }
}
