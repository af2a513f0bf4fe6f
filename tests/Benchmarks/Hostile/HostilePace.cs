namespace Relay.Benchmarks.Hostile;

/// <summary>How long a run is and how much the honest do.</summary>
/// <param name="Calm">Before each attack, to know what is usual.</param>
/// <param name="Length">Of each attack.</param>
/// <param name="OfferInterval">Time between two offers of one honest pair.</param>
/// <param name="RoundInterval">Time between two rounds of everything else that the honest do.</param>
/// <param name="JudgesTimes">Whether round trips may be too slow.</param>
internal sealed record HostilePace(TimeSpan Calm, TimeSpan Length, TimeSpan OfferInterval, TimeSpan RoundInterval, bool JudgesTimes)
{
    /// <summary>For figures, a relay for each attack.</summary>
    public static readonly HostilePace Full = new(
        TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(4), TimeSpan.FromMilliseconds(125), TimeSpan.FromSeconds(0.8), JudgesTimes: true);

    /// <summary>
    /// For tests, one relay for many attacks: the honest do less, so that they stay below the limits of a minute; and round trips say
    /// nothing where other tests run beside.
    /// </summary>
    public static readonly HostilePace Short = new(
        TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(1.2), TimeSpan.FromMilliseconds(400), TimeSpan.FromSeconds(1.2), JudgesTimes: false);
}
