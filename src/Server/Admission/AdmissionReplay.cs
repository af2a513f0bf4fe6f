using System.Runtime.InteropServices;
using Relay.Addresses;
using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>Tries a policy on past admissions: each with the counts that it found, and with rates that fill and empty as the moments pass.</summary>
internal static class AdmissionReplay
{
    /// <summary>Admissions since <paramref name="since"/>, how many of them <paramref name="policy"/> refuses, and when the first was.</summary>
    /// <param name="admissions">In the order in which they were made.</param>
    public static (int Admitted, int Refused, long First) Run(ReadOnlySpan<PastAdmission> admissions, LimitPolicy policy, long since, TimeProvider time)
    {
        var (admitted, refused, first) = (0, 0, long.MaxValue);
        var keyRates = new Dictionary<IpKey, TokenBucket>();
        TokenBucket totalRate = default;
        foreach (ref readonly var past in admissions)
        {
            if (past.Time < since)
            {
                continue;
            }

            admitted++;
            first = Math.Min(first, past.Time);
            ref var keyRate = ref CollectionsMarshal.GetValueRefOrAddDefault(keyRates, past.Key, out _);
            var input = new RuleInput
            {
                Address = past.Address,
                Key = past.Key,
                Local = past.Live,
                Ceiling = Ceiling.None,
                Now = past.Time,
            };
            var verdict = AdmissionRules.Evaluate(policy, input, ref keyRate, ref totalRate, time);
            if (verdict.Refusal != Refusal.None)
            {
                refused++;
            }
            else if (verdict.Limits.IsCounted)
            {
                AdmissionRules.TakeRates(policy, ref keyRate, ref totalRate);
            }
        }

        return (admitted, refused, first);
    }
}
