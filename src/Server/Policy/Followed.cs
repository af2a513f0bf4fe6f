namespace Relay.Policy;

/// <summary>An entry of the shared journal that this relay has taken over.</summary>
/// <param name="Made">The revision that it made; null: it made none.</param>
/// <param name="Node">The relay that wrote it; null: this one, just now.</param>
internal sealed record FollowedEntry(string Id, PolicyRevision? Made, string? Node, Eviction Evict);

/// <summary>What became of an attempt to read or write the shared journal.</summary>
/// <param name="Problem">Why it failed, a sentence for the operator; null: it did not.</param>
internal sealed record Followed(IReadOnlyList<FollowedEntry> Fresh, string? Problem = null)
{
    /// <summary>What was to be stored is.</summary>
    public bool IsStored { get; init; }

    /// <summary>What differs since the database's journal replaced one of this relay's own.</summary>
    public IReadOnlyList<PolicyDifference> Replaced { get; init; } = [];

    /// <summary>This relay cannot work with what the database holds; it is not just away.</summary>
    public bool IsDamaged { get; init; }

    /// <summary>This relay must not start: the journal is damaged, or cannot be read and there is no copy.</summary>
    public bool StopsStart { get; init; }
}
