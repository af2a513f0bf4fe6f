using Relay.Limits;

namespace Relay.Admission;

/// <summary>Refusals a second from which a rung is taken, and how long it is kept after they have fallen below half of that.</summary>
internal readonly record struct RungThresholds(int Busy, int Flooded, TimeSpan CoolDown)
{
    public Rung RungOf(int perSecond) => perSecond >= Flooded ? Rung.Flooded : perSecond >= Busy ? Rung.Busy : Rung.Calm;
}

/// <summary>
/// Counts refusals a second and derives the rung: up at once, down one by one after a time below half of the threshold. A
/// value and moments, no timer. Its owner guards it.
/// </summary>
internal struct RungMeter
{
    // When the second began that is being counted.
    private long _second;
    private int _count;
    private int _lastCount;

    // When the rung was last taken or confirmed.
    private long _since;
    private Rung _rung;

    /// <summary>Counts one refusal.</summary>
    public Rung Count(in RungThresholds thresholds, long now, TimeProvider time)
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

    /// <summary>Takes a rate that somebody else has counted.</summary>
    public Rung Observe(int perSecond, in RungThresholds thresholds, long now, TimeProvider time)
    {
        var rung = thresholds.RungOf(perSecond);
        var current = Current(thresholds, now, time);
        if (rung > current)
        {
            (_rung, _since) = (rung, now);
        }
        else if (thresholds.RungOf(perSecond * 2) >= current)
        {
            _since = now;
        }

        return _rung;
    }

    /// <summary>The rung now.</summary>
    public Rung Current(in RungThresholds thresholds, long now, TimeProvider time)
    {
        while (_rung > Rung.Calm && time.GetElapsedTime(_since, now) >= thresholds.CoolDown)
        {
            _rung--;
            _since += (long)(thresholds.CoolDown.TotalSeconds * time.TimestampFrequency);
        }

        return _rung;
    }
}
