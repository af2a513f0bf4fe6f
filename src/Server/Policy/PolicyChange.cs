namespace Relay.Policy;

/// <summary>A requested change: edits, resets or a rollback.</summary>
/// <param name="Edits">Path to new text; null removes a rule.</param>
/// <param name="Who">The caller, for history and audit.</param>
internal sealed record PolicyChange(IReadOnlyDictionary<string, string?> Edits, string Who, string Reason = "")
{
    /// <summary>Items that go back to what the configuration says.</summary>
    public IReadOnlyCollection<string> Reset { get; init; } = [];

    /// <summary>Restore the items of this revision.</summary>
    public long? RollbackTo { get; init; }

    /// <summary>Change only if this is the current revision.</summary>
    public long? ExpectedRevision { get; init; }

    /// <summary>Reverted automatically after so long, also over a restart.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>Reverted unless it is confirmed within so long.</summary>
    public TimeSpan? ConfirmWithin { get; init; }

    /// <summary>What other relays that share the policy do with clients that it excludes; at this one its caller does it.</summary>
    public Eviction Evict { get; init; }

    /// <summary>Only say what would happen.</summary>
    public bool DryRun { get; init; }
}

/// <summary>What became of a change; <see cref="Before"/> and <see cref="After"/> are the same where nothing was done.</summary>
internal sealed record PolicyResult(LimitPolicy Before, LimitPolicy After)
{
    /// <summary>The expected revision is not the current one.</summary>
    public bool IsStale { get; init; }

    /// <summary>The revision to roll back to is not remembered.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>Why the journal could not be written, for the operator.</summary>
    public string? NotWritten { get; init; }

    /// <summary>Path and sentence of each edit that is not valid.</summary>
    public IReadOnlyList<(string Path, string Text)> Errors { get; init; } = [];

    /// <summary>What was changed, also where only its lifetime was.</summary>
    public IReadOnlyList<PolicyDifference> Differences { get; init; } = [];

    /// <summary>When it is reverted automatically, by the wall clock; null: never.</summary>
    public DateTimeOffset? RevertsAt { get; init; }

    /// <summary>By when it must be confirmed, by the wall clock; null: it stays.</summary>
    public DateTimeOffset? ConfirmBy { get; init; }
}

/// <summary>One revision of the policy: who made it of the one before, when and why.</summary>
internal sealed record PolicyRevision(long Revision, DateTimeOffset Time, string Who, string Reason, PolicyItems Items, IReadOnlyList<PolicyDifference> Differences)
{
    /// <summary>The name of the relay itself as the maker of a revision.</summary>
    public const string Relay = Events.RelayEvent.Relay;
}

/// <summary>Something that is reverted at <paramref name="Due"/>; Before of each difference is what it goes back to.</summary>
/// <param name="NeedsConfirmation">True: unless it is confirmed before.</param>
internal sealed record PendingRevert(long Revision, DateTimeOffset Due, bool NeedsConfirmation, IReadOnlyList<PolicyDifference> Differences);

/// <summary>An item that an operator changed for good: it holds instead of the configuration's.</summary>
internal sealed record ChangedItem(string Path, string? Configured, string? Text, long Revision, string Who, DateTimeOffset Time);
