namespace Relay.Policy;

/// <summary>The policy with all that surrounds it, at one moment.</summary>
/// <param name="Unsaved">What a restart would lose: from the saved policy, or the settings, to the running one.</param>
/// <param name="IsSaved">False: there is no saved policy, the settings hold at the next start.</param>
/// <param name="History">Oldest first.</param>
internal sealed record PolicyOverview(
    LimitPolicy Current, IReadOnlyList<PendingRevert> Pending, IReadOnlyList<PolicyDifference> Unsaved, bool IsSaved, IReadOnlyList<PolicyRevision> History);
