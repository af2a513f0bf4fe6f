using Relay.Policy;

namespace Relay.Admission;

/// <summary>Refusals a second from which a level is taken, and how long it is kept after they have fallen below half of that.</summary>
internal readonly record struct OverloadThresholds(int Elevated, int Critical, TimeSpan CoolDown)
{
    public OverloadLevel LevelOf(int perSecond) => perSecond >= Critical ? OverloadLevel.Critical : perSecond >= Elevated ? OverloadLevel.Elevated : OverloadLevel.Normal;
}

/// <summary>
/// Counts refusals a second and derives the level: up at once, down one by one after a time below half of the threshold. A
/// value and moments, no timer. Its owner guards it.
/// </summary>
internal struct OverloadMeter
{
    // When the second began that is being counted.
    private long _second;
    private int _count;
    private int _lastCount;

    // When the level was last taken or confirmed.
    private long _since;
    private OverloadLevel _level;

    /// <summary>Counts one refusal.</summary>
    public OverloadLevel Count(in OverloadThresholds thresholds, long now, TimeProvider time)
    {
        var elapsed = now - _second;
        if (elapsed >= time.TimestampFrequency || _second == 0)
        {
            _lastCount = elapsed < 2 * time.TimestampFrequency ? _count : 0;
            _second = now;
            _count = 0;
        }

        _count++;
        return Observe(Math.Max(_count, _lastCount), thresholds, now, time);
    }

    /// <summary>Takes a rate that was counted elsewhere.</summary>
    public OverloadLevel Observe(int perSecond, in OverloadThresholds thresholds, long now, TimeProvider time)
    {
        var level = thresholds.LevelOf(perSecond);
        var current = Current(thresholds, now, time);
        if (level > current)
        {
            (_level, _since) = (level, now);
        }
        else if (thresholds.LevelOf(perSecond * 2) >= current)
        {
            _since = now;
        }

        return _level;
    }

    /// <summary>The level now.</summary>
    public OverloadLevel Current(in OverloadThresholds thresholds, long now, TimeProvider time)
    {
        while (_level > OverloadLevel.Normal && time.GetElapsedTime(_since, now) >= thresholds.CoolDown)
        {
            _level--;
            _since += (long)(thresholds.CoolDown.TotalSeconds * time.TimestampFrequency);
        }

        return _level;
    }
}
