namespace Relay.Scheduling;

/// <summary>
/// The time by which a periodic sweep judges others. A sweep that comes late was not there to see: the machine slept, the
/// process was stopped, a collection took long. That time counts for nobody, nor does a moment after it, in which what
/// waits in the sockets is read. For one sweep, and on its thread only.
/// </summary>
internal sealed class SweepClock(TimeProvider time)
{
    /// <summary>More time than this between two sweeps is a stall: twice the longest interval of those who judge.</summary>
    public static readonly TimeSpan MostBetween = TimeSpan.FromSeconds(1);

    /// <summary>What a peer has after a stall to be heard, or to answer a ping.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    // So many stalls are forgiven: a relay that always stalls still gets rid of the dead.
    private readonly (long From, long To)[] _stalls = new (long From, long To)[8];
    private int _count;

    /// <summary>When this sweep began, as a timestamp.</summary>
    public long Now { get; private set; } = time.GetTimestamp();

    /// <summary>This sweep came late.</summary>
    public bool IsLate { get; private set; }

    /// <summary>At the beginning of every sweep.</summary>
    public void Begin()
    {
        var last = Now;
        Now = time.GetTimestamp();
        IsLate = RealTime(last) > MostBetween;
        if (IsLate)
        {
            var settled = Now + (long)(Settling.TotalSeconds * time.TimestampFrequency);
            _stalls[_count % _stalls.Length] = (Math.Max(last, _count == 0 ? last : _stalls[(_count - 1) % _stalls.Length].To), settled);
            _count++;
        }
    }

    /// <summary>Time since a timestamp, stalls included.</summary>
    public TimeSpan RealTime(long since) => time.GetElapsedTime(since, Now);

    /// <summary>Time since a timestamp, without stalls.</summary>
    public TimeSpan Elapsed(long since)
    {
        var elapsed = Now - since;
        foreach (var (from, to) in _stalls)
        {
            elapsed -= Math.Max(0, Math.Min(Now, to) - Math.Max(since, from));
        }

        return time.GetElapsedTime(0, elapsed);
    }
}
