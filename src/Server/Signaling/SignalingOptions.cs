using System.ComponentModel.DataAnnotations;
using Relay.Configuration;

namespace Relay.Signaling;

/// <summary>Pairing, linking and calls. The defaults are those of the network that the clients come from.</summary>
internal sealed class SignalingOptions
{
    /// <summary>How long a pair request waits for its answer, and a link request. The web application takes no longer ones for valid.</summary>
    [DurationRange("1s", "10m")]
    public TimeSpan PairRequestTimeout { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>How long before the end both sides are warned; 0, or no shorter than the timeout: no warning.</summary>
    internal TimeSpan PairRequestWarning { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The same in whole seconds.</summary>
    internal long WarningSeconds => (long)Math.Ceiling(PairRequestWarning.TotalSeconds);

    /// <summary>Pair requests that may wait for one target, and as many link requests of different addresses; one more takes the place of one by whoever holds most.</summary>
    internal int PendingPerTarget { get; set; } = 10;

    /// <summary>Pair requests of one socket per minute, as a token bucket of this size.</summary>
    [Range(1, 100_000)]
    public int PairRequestsPerMinute { get; set; } = 10;

    /// <summary>
    /// Pair requests of one address per minute, and as many link requests: a new socket is no new chance to guess codes.
    /// </summary>
    [Range(1, 1_000_000)]
    public int PairRequestsPerMinutePerIp { get; set; } = 30;

    /// <summary>
    /// When true, offers, answers, candidates and calls go only between sockets that were matched or linked while both live;
    /// else to any registered code, as in the network that the clients come from.
    /// </summary>
    public bool RequireMatch { get; set; }

    /// <summary>
    /// Partners that one socket is remembered to have, where RequireMatch asks; one more forgets its oldest. Far more people
    /// than one device talks to at once.
    /// </summary>
    internal int MatchesPerSocket { get; set; } = 256;
}
