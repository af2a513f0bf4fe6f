using System.Collections.Immutable;

namespace Relay.Policy;

/// <summary>The present state of the policy and the revisions that led to it, as far as they are remembered. Immutable.</summary>
internal sealed class PolicyHistory
{
    /// <summary>Revisions remembered.</summary>
    public const int MaxRevisions = 100;

    // With confirmations and the like, of which there is mostly none.
    private const int MaxSteps = 3 * MaxRevisions;

    private readonly ImmutableList<Step> _steps;

    private PolicyHistory(ImmutableList<Step> steps) => _steps = steps;

    public PolicyState Current => _steps[^1].State;

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<PolicyRevision> Revisions => [.. _steps.Where((step, i) => i == 0 || step.IsRevision).Select(step => step.ToRevision())];

    public PolicyRevision Last => _steps.FindLast(step => step.IsRevision) is { } last ? last.ToRevision() : _steps[0].ToRevision();

    /// <summary>The entry that led to the current state.</summary>
    public JournalEntry Newest => _steps[^1].Entry;

    /// <summary>Entries that are remembered.</summary>
    public int Count => _steps.Count;

    /// <summary>The entries that bring it back: the first holds the whole state of then.</summary>
    public IEnumerable<JournalEntry> Entries =>
        _steps.Select((step, i) => i == 0 ? step.Entry with { Confirmed = [], State = step.State.ToJournal() } : step.Entry);

    public static PolicyHistory Start(JournalEntry entry, PolicyState state) => new([new Step(entry, state)]);

    public PolicyHistory Add(JournalEntry entry, PolicyState state)
    {
        var steps = _steps.Add(new Step(entry, state));
        while (steps.Count > MaxSteps || steps.Count(step => step.IsRevision) > MaxRevisions)
        {
            do
            {
                steps = steps.RemoveAt(0);
            }
            while (steps.Count > 1 && !steps[0].IsRevision);
        }

        return new PolicyHistory(steps);
    }

    /// <summary>The state of a revision; null: not kept.</summary>
    public PolicyState? Find(long revision) => _steps.FindLast(step => step.State.Revision == revision)?.State;

    private sealed record Step(JournalEntry Entry, PolicyState State)
    {
        public bool IsRevision { get; } = JournalEntry.IsRevision(Entry.Changes);

        public PolicyRevision ToRevision() => new(Entry.Revision, Entry.Time, Entry.Who, Entry.Reason, State.Items, Entry.Changes);
    }
}
