namespace Relay.Policy;

/// <summary>
/// The wall clock of the start, carried on by the monotonic clock: a step of the wall clock neither shortens nor lengthens
/// what was promised for a time. Across a restart there is only the wall clock.
/// </summary>
internal sealed class SteadyClock(TimeProvider time)
{
    private readonly DateTimeOffset _start = time.GetUtcNow();
    private readonly long _startedAt = time.GetTimestamp();

    public DateTimeOffset Now => _start + time.GetElapsedTime(_startedAt);

    /// <summary>How far this one is ahead of the wall clock, as far as can be said now.</summary>
    public TimeSpan Ahead => Now - time.GetUtcNow();

    /// <summary>What the wall clock shows when this one shows <paramref name="moment"/>, as far as can be said now.</summary>
    public DateTimeOffset ToWall(DateTimeOffset moment) => moment - Ahead;
}
