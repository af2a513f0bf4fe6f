namespace Relay.Policy;

/// <summary>The policy with all that surrounds it, at one moment.</summary>
/// <param name="Pending">What is reverted automatically, the next first; due by the wall clock.</param>
/// <param name="Changed">Items that hold instead of the configuration's.</param>
/// <param name="History">Oldest first.</param>
internal sealed record PolicyOverview(
    LimitPolicy Current, IReadOnlyList<PendingRevert> Pending, IReadOnlyList<ChangedItem> Changed, IReadOnlyList<PolicyRevision> History);
