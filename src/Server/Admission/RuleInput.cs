using Relay.Addresses;
using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>What is decided before any limit is looked at.</summary>
/// <param name="ClosedBy">Why the relay admits nobody: stopping, draining; None: it serves.</param>
/// <param name="IsBanned">The relay has banned the address itself. Bans by operators are in the policy.</param>
internal readonly record struct Standing(Refusal ClosedBy = Refusal.None, bool IsBanned = false);

/// <summary>Everything that one decision is made from: of now, of a moment that is replayed, or of a policy that is only tried.</summary>
internal readonly record struct RuleInput
{
    public required LimitPolicy Policy { get; init; }

    /// <summary>The whole address, or <see cref="IpKey.Unresolved"/>.</summary>
    public required IpKey Address { get; init; }

    /// <summary>What it counts by: an address, or the network that stands in for it when the address table is full.</summary>
    public required IpKey Key { get; init; }

    public Standing Standing { get; init; }

    /// <summary>Connections of this process, without the new one.</summary>
    public required LiveCounts Local { get; init; }

    /// <summary>Connections that other nodes have reported.</summary>
    public LiveCounts Remote { get; init; }

    /// <summary>What this process has capacity for, by <see cref="Local"/> alone.</summary>
    public required Ceiling Ceiling { get; init; }

    /// <summary>The buckets of the key and of everybody; by value, so that evaluating takes nothing from them.</summary>
    public TokenBucket KeyRate { get; init; }

    public TokenBucket TotalRate { get; init; }

    /// <summary>Of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public required long Now { get; init; }

    public required TimeProvider Time { get; init; }
}

/// <summary>The answer to one <see cref="RuleInput"/>.</summary>
/// <param name="Refusal">None: admitted.</param>
/// <param name="Wait">Until the rate that refuses lets one more in; zero where no rate does.</param>
/// <param name="KeyRate">The buckets of the input, refilled up to its moment.</param>
internal readonly record struct Verdict(Refusal Refusal, KeyLimits Limits, TimeSpan Wait, TokenBucket KeyRate, TokenBucket TotalRate)
{
    /// <summary>Takes one admission from both rates.</summary>
    public void TakeRates(LimitPolicy policy, ref TokenBucket key, ref TokenBucket total)
    {
        (key, total) = (KeyRate, TotalRate);
        policy.RatePerIp.Take(ref key);
        policy.RateTotal.Take(ref total);
    }
}
