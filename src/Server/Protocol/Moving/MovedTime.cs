namespace Relay.Protocol.Moving;

/// <summary>The moment of a standstill, as each of the two processes has it: moments of the one are ages for the other.</summary>
internal sealed class MovedTime(TimeProvider time)
{
    public TimeProvider Provider => time;

    /// <summary>As a timestamp.</summary>
    public long Now { get; } = time.GetTimestamp();

    /// <summary>The age of a timestamp; 0, which stands for none, stays 0.</summary>
    public long AgeOf(long timestamp) => timestamp == 0 ? 0 : Math.Max(1, time.GetElapsedTime(timestamp, Now).Ticks);

    /// <summary>The timestamp of an age.</summary>
    public long TimestampOf(long age) => age == 0 ? 0 : Before(age);

    /// <summary>Time until a timestamp; below 0: it has passed.</summary>
    public long RemainingOf(long timestamp) => time.GetElapsedTime(Now, timestamp).Ticks;

    /// <summary>The timestamp of a time that remains.</summary>
    public long After(long remaining) => Before(-remaining);

    /// <summary>The age of a moment by the wall clock.</summary>
    public long AgeOf(DateTimeOffset moment) => Math.Max(1, (time.GetUtcNow() - moment).Ticks);

    /// <summary>The moment by the wall clock.</summary>
    public DateTimeOffset MomentOf(long age) => time.GetUtcNow() - TimeSpan.FromTicks(age);

    // In 128 bits: a day in nanoseconds, multiplied, has more than 64.
    private long Before(long age) => Now - (long)((Int128)age * time.TimestampFrequency / TimeSpan.TicksPerSecond);
}
