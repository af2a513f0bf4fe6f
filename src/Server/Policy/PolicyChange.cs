namespace Relay.Policy;

/// <summary>A change that somebody asks for.</summary>
/// <param name="Edits">Path to new text; null removes a rule.</param>
/// <param name="Who">The caller, for history and audit.</param>
internal sealed record PolicyChange(IReadOnlyDictionary<string, string?> Edits, string Who, string Reason = "")
{
    /// <summary>Change only if this revision is in force.</summary>
    public long? ExpectedRevision { get; init; }

    /// <summary>Taken back by itself after so long, also over a restart.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>Taken back unless it is confirmed within so long.</summary>
    public TimeSpan? ConfirmWithin { get; init; }

    /// <summary>Only say what would happen.</summary>
    public bool DryRun { get; init; }
}

/// <summary>What became of a change; <see cref="Before"/> and <see cref="After"/> are the same where nothing was done.</summary>
internal sealed record PolicyResult(LimitPolicy Before, LimitPolicy After)
{
    /// <summary>The expected revision is not the one in force.</summary>
    public bool IsStale { get; init; }

    /// <summary>The revision to roll back to is not remembered.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>Path and sentence of each edit that is not valid.</summary>
    public IReadOnlyList<(string Path, string Text)> Errors { get; init; } = [];

    /// <summary>The change holds, but something about it is not as asked; sentences for the operator.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>When it is taken back by itself; null: never.</summary>
    public DateTimeOffset? RevertsAt { get; init; }

    /// <summary>When it is taken back unless confirmed; null: it stays.</summary>
    public DateTimeOffset? ConfirmBy { get; init; }

    public IReadOnlyList<PolicyDifference> Differences => PolicyItems.Diff(Before.Items, After.Items);
}

/// <summary>One revision of the policy: who made it of the one before, when and why.</summary>
internal sealed record PolicyRevision(long Revision, DateTimeOffset Time, string Who, string Reason, PolicyItems Items, IReadOnlyList<PolicyDifference> Differences);

/// <summary>Something that is taken back at <paramref name="Due"/>: item by item, and only what still is as it was made.</summary>
/// <param name="NeedsConfirmation">True: unless it is confirmed before.</param>
internal sealed record PendingRevert(long Revision, DateTimeOffset Due, bool NeedsConfirmation, IReadOnlyList<PolicyDifference> Differences);
