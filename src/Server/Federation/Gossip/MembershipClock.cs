namespace Relay.Federation.Gossip;

/// <summary>Time since the membership began, which no change of the wall clock moves.</summary>
internal sealed class MembershipClock(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    public TimeSpan Now => time.GetElapsedTime(_start);

    public DateTimeOffset UtcNow => time.GetUtcNow();

    public TimeProvider Time => time;
}
