using Relay.Events;

namespace Relay.Policy;

/// <summary>A new revision of the policy is in force, made by an operator or by relayd.</summary>
internal sealed record PolicyChanged : RelayEvent
{
    private const int MaxShown = 20;

    private PolicyChanged(string kind, string text, RelayChange change) => (Kind, Text, Change) = (kind, text, change);

    public override string Kind { get; }

    public override string Text { get; }

    public override RelayChange Change { get; }

    /// <summary>Made by an operator or a relay elsewhere, and taken over.</summary>
    public string? Node { get; private init; }

    /// <summary>What becomes of connected clients that it excludes, where it was taken over.</summary>
    public Eviction Evict { get; private init; }

    public long Revision { get; private init; }

    // Texts, and not the differences: of those a revision may have thousands.
    public static PolicyChanged Of(PolicyRevision revision, string? node = null, Eviction evict = Eviction.None)
    {
        var shown = revision.Differences.Take(MaxShown).Select(difference => $"{difference.Path} {difference.Before ?? "(none)"} -> {difference.After ?? "(none)"}");
        var more = revision.Differences.Count - MaxShown;
        var reverts = revision.Differences.Any(difference => difference.Reverts is not null);
        return new PolicyChanged(
            reverts && revision.Differences.All(difference => difference.Path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal)) ? "ban_expired" : "policy_changed",
            $"Limits changed: {string.Join(", ", shown)}{(more > 0 ? $", and {more} more" : "")}, revision {revision.Revision}{(node is null ? "" : $" at {node}")}",
            new RelayChange(
                reverts ? "Revert" : node is not null && revision.Who != PolicyRevision.Relay ? "ChangePolicy" : "Configure",
                $"revision={revision.Revision}{(node is null ? "" : $" node={node}")}",
                Short(revision.Differences, difference => difference.Before),
                Short(revision.Differences, difference => difference.After)))
        {
            Who = revision.Who,
            Reason = revision.Reason,
            Node = node,
            Evict = evict,
            Revision = revision.Revision,
        };
    }

    /// <summary>Of more reverts at once than are published one by one.</summary>
    public static PolicyChanged More(PolicyRevision first, PolicyRevision last, int count) => new(
        "policy_changed",
        FormattableString.Invariant($"{count} more changes expired, revisions {first.Revision} to {last.Revision}; `relayctl limits history` lists them"),
        new RelayChange("Revert", FormattableString.Invariant($"more={count}"), $"revision={first.Revision - 1}", $"revision={last.Revision}"));

    /// <summary>One side of some differences for the audit, "per-ip=50 ban/192.0.2.1=-".</summary>
    public static string Short(IReadOnlyList<PolicyDifference> differences, Func<PolicyDifference, string?> side)
    {
        var shown = differences.Take(MaxShown).Select(difference => $"{difference.Path}={side(difference) ?? "-"}");
        return string.Join(' ', shown) + (differences.Count > MaxShown ? $" and {differences.Count - MaxShown} more" : "");
    }
}
