namespace Relay.Policy;

/// <summary>One line of the journal: what makes a state of the policy from the one before.</summary>
/// <param name="Revision">In force after it; that of the line before where it changes no item (a confirmation).</param>
internal sealed record JournalEntry(long Revision, DateTimeOffset Time, string Who, string Reason, IReadOnlyList<PolicyDifference> Changes)
{
    /// <summary>Revisions that were confirmed.</summary>
    public IReadOnlyList<long> Confirmed { get; init; } = [];

    /// <summary>The whole state after this entry: in the first line, and where a start found another configuration.</summary>
    public JournalState? State { get; init; }

    /// <summary>The same by another clock: what lies ahead is moved.</summary>
    public JournalEntry Move(TimeSpan by)
    {
        return by == TimeSpan.Zero ? this : this with
        {
            Changes = [.. Changes.Select(change => change with { Until = change.Until + by, ConfirmBy = change.ConfirmBy + by })],
            State = State is { } state ? state with { Changed = Settings(state.Changed), Temporary = Settings(state.Temporary) } : null,
        };

        IReadOnlyList<ItemSetting> Settings(IEnumerable<ItemSetting> settings) =>
            [.. settings.Select(setting => setting with { Until = setting.Until + by, ConfirmBy = setting.ConfirmBy + by })];
    }

    /// <summary>An entry is a revision unless it only confirms, or only drops what lay beneath a later change.</summary>
    public static bool IsRevision(IReadOnlyList<PolicyDifference> changes) => changes.Any(change => change.Before != change.After || change.Reverts is null);
}

/// <summary>A whole state in parts that the journal can hold.</summary>
/// <param name="Changed">Items that operators changed for good.</param>
/// <param name="Temporary">Temporary items, for each path the latest last.</param>
internal sealed record JournalState(
    IReadOnlyDictionary<string, string?> Configuration, IReadOnlyList<ItemSetting> Changed, IReadOnlyList<ItemSetting> Temporary, long ShadowSince);

/// <summary>One item as it was set.</summary>
/// <param name="Text">Null: the rule was removed.</param>
/// <param name="Until">When it is reverted; null: it stays.</param>
/// <param name="ConfirmBy">When it is reverted unless it was confirmed; null: it needs no confirmation.</param>
internal sealed record ItemSetting(
    string Path, string? Text, long Revision, string Who, DateTimeOffset Time, DateTimeOffset? Until = null, DateTimeOffset? ConfirmBy = null)
{
    /// <summary>The next moment at which it may have to go.</summary>
    public DateTimeOffset Due => (ConfirmBy ?? DateTimeOffset.MaxValue) < (Until ?? DateTimeOffset.MaxValue) ? ConfirmBy!.Value : Until ?? DateTimeOffset.MaxValue;
}
