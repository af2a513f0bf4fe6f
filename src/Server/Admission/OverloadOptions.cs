using System.ComponentModel.DataAnnotations;

namespace Relay.Admission;

/// <summary>Thresholds of the overload levels: refusals a second, of one address and in total. The policy's item `overload-level` can pin the level.</summary>
internal sealed class OverloadOptions : IValidatableObject
{
    private const int MaxRate = 1_000_000;

    /// <summary>Rejections a second of one address from which it gets a status instead of a close frame. No client that backs off comes near 10.</summary>
    [Range(1, MaxRate)]
    public int ElevatedPerIp { get; set; } = 10;

    /// <summary>From here on it is reset before TLS and HTTP.</summary>
    [Range(1, MaxRate)]
    public int CriticalPerIp { get; set; } = 50;

    /// <summary>Rejections a second in total from which every rejected client gets a status. A close frame costs five times as much.</summary>
    [Range(1, MaxRate)]
    public int ElevatedTotal { get; set; } = 200;

    /// <summary>From here on every rejected client is reset, except private and loopback addresses and trusted proxies, where health checks come from.</summary>
    [Range(1, MaxRate)]
    public int CriticalTotal { get; set; } = 2_000;

    /// <summary>Percent of all processors; while the relay uses more, a tenth of the two totals is enough.</summary>
    internal int HighCpu { get; set; } = 80;

    /// <summary>A level is left, for the next lower one, when refusals have stayed below half of its threshold for so long.</summary>
    internal TimeSpan CoolDown { get; set; } = TimeSpan.FromSeconds(10);

    public OverloadThresholds PerIp => new(ElevatedPerIp, CriticalPerIp, CoolDown);

    public OverloadThresholds Total => new(ElevatedTotal, CriticalTotal, CoolDown);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (CriticalPerIp < ElevatedPerIp)
        {
            yield return new ValidationResult($"{CriticalPerIp} is below ElevatedPerIp, {ElevatedPerIp}", [nameof(CriticalPerIp)]);
        }

        if (CriticalTotal < ElevatedTotal)
        {
            yield return new ValidationResult($"{CriticalTotal} is below ElevatedTotal, {ElevatedTotal}", [nameof(CriticalTotal)]);
        }
    }
}
