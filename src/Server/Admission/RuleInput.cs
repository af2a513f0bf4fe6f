using Relay.Addresses;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>What is decided before any limit is looked at.</summary>
/// <param name="ClosedBy">Why the relay admits no clients: stopping, draining; None: it serves.</param>
/// <param name="IsBanned">The relay has banned the address itself. Bans by operators are in the policy.</param>
/// <param name="Authentication">Why the client is nobody; None: it has authenticated, or nobody has to.</param>
internal readonly record struct Standing(Refusal ClosedBy = Refusal.None, bool IsBanned = false, Refusal Authentication = Refusal.None);

/// <summary>The subject that a client has authenticated as, as a decision sees it.</summary>
/// <param name="Key">Nobody's: the default.</param>
/// <param name="Live">Live connections in all nodes, without the new one.</param>
/// <param name="Limit">Connections at most; 0: no limit.</param>
/// <param name="Remote">Those of <paramref name="Live"/> that other nodes hold.</param>
internal readonly record struct SubjectInput(IpKey Key, int Live, int Limit, int Remote)
{
    public bool IsSomebody => Key.IsSubject;
}

/// <summary>
/// What one decision is made from beside the policy: of now, or of a moment that is replayed. Holds no reference, because to
/// copy a structure that does costs ten times as much.
/// </summary>
internal readonly struct RuleInput
{
    /// <summary>The whole address, or <see cref="IpKey.Unresolved"/>.</summary>
    public required IpKey Address { get; init; }

    /// <summary>What it counts by: an address, or the network that stands in for it when the address table is full, or a person.</summary>
    public required IpKey Key { get; init; }

    public Standing Standing { get; init; }

    public SubjectInput Subject { get; init; }

    /// <summary>Connections of this process, without the new one.</summary>
    public required LiveCounts Local { get; init; }

    /// <summary>Connections that other nodes have reported.</summary>
    public LiveCounts Remote { get; init; }

    /// <summary>Connections of all nodes together, their limit; 0: none.</summary>
    public int ClusterTotal { get; init; }

    /// <summary>What limits are compared with: addresses and networks count in all nodes, the total in this one.</summary>
    public LiveCounts Live => new(Local.Total, Local.Key + Remote.Key, Local.Near + Remote.Near, Local.Far + Remote.Far);

    /// <summary>What this process has capacity for, by <see cref="Local"/> alone.</summary>
    public required Ceiling Ceiling { get; init; }

    /// <summary>Of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public required long Now { get; init; }
}

/// <summary>The answer to one <see cref="RuleInput"/>.</summary>
/// <param name="Refusal">None: admitted.</param>
/// <param name="Wait">Until the rate that refuses lets one more in; zero where no rate does.</param>
internal readonly record struct Verdict(Refusal Refusal, KeyLimits Limits, TimeSpan Wait);

/// <summary>The rate of a key and the total rate; an attempt takes one from each.</summary>
internal struct RateBuckets(TokenBucket key, TokenBucket total)
{
    public TokenBucket Key = key;
    public TokenBucket Total = total;
}
