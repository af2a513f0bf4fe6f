namespace Relay.Attestation;

/// <summary>What became of one request to the authority.</summary>
internal enum AuthorityOutcome
{
    /// <summary>It gave a challenge or a verdict, be it good or bad.</summary>
    Answered,

    /// <summary>It answered with a status that is no success.</summary>
    Rejected,

    /// <summary>Its answer was too long, or not what was asked for.</summary>
    Unusable,
    Unreachable,
    TimedOut,

    /// <summary>Too many were in progress: not sent, or ended for one of an address that had fewer.</summary>
    Busy,

    /// <summary>The client left before the answer.</summary>
    Abandoned,
}

/// <summary>Requests in progress, and completed ones by outcome, in the order of <see cref="AuthorityOutcome"/>.</summary>
internal sealed record AttestationCounts(int Open, IReadOnlyList<long> Outcomes)
{
    /// <summary>Metric labels in the order of the enum.</summary>
    public static readonly string[] Labels = ["answered", "rejected", "unusable", "unreachable", "timed_out", "busy", "abandoned"];
}
