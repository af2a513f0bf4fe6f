using System.ComponentModel.DataAnnotations;
using Relay.Configuration;

namespace Relay.Rendezvous;

/// <summary>Rendezvous points, which outlive a connection. The lifetimes are those of the network that the clients come from.</summary>
internal sealed class RendezvousOptions : IValidatableObject
{
    /// <summary>How long a daily point and its dead drop stay: two days, so that peers in all time zones share one.</summary>
    [DurationRange("1m", "30d")]
    public TimeSpan DailyPointLifetime { get; set; } = TimeSpan.FromHours(48);

    /// <summary>How long an hourly token stays at most; it goes when its socket does.</summary>
    internal TimeSpan HourlyTokenLifetime { get; set; } = TimeSpan.FromHours(3);

    /// <summary>Live points and tokens of one identity; one more replaces its oldest.</summary>
    [Range(100, 100_000)]
    public int RowsPerIdentity { get; set; } = 500;

    /// <summary>Live points and tokens in total; one more replaces the oldest of whichever address has most. One counts for each 4 KiB of its dead drop that are begun.</summary>
    [Range(100, 100_000_000)]
    public int MaxRows { get; set; } = 250_000;

    /// <summary>
    /// Dead drops that one point, and holders that one token, has at most; one more removes the oldest of whichever address has most of
    /// them. Two peers share a point and no other client knows it, so one is the normal number.
    /// </summary>
    internal int ResultsPerPoint { get; set; } = 20;

    /// <summary>
    /// How old the shares of the addresses may be, by which it is decided who gives way, where another relay has written since. Counting them
    /// takes about 0.1 s for 250,000 rows, in which nobody can write.
    /// </summary>
    internal TimeSpan RecountInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between two removals of what has expired.</summary>
    internal TimeSpan CleanupInterval { get; set; } = TimeSpan.FromMinutes(1);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MaxRows < RowsPerIdentity)
        {
            yield return new ValidationResult($"{MaxRows:#,0} in total is less than RowsPerIdentity, {RowsPerIdentity:#,0}", [nameof(MaxRows)]);
        }
    }
}
