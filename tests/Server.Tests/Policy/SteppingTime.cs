using Microsoft.Extensions.Time.Testing;

namespace Server.Tests.Policy;

/// <summary>A clock whose wall clock can be stepped without time passing, as an operator or NTP does it.</summary>
internal sealed class SteppingTime : TimeProvider
{
    private readonly FakeTimeProvider _steady = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>How far the wall clock was stepped.</summary>
    public TimeSpan Step { get; set; }

    public override long TimestampFrequency => _steady.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _steady.GetUtcNow() + Step;

    public override long GetTimestamp() => _steady.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => _steady.CreateTimer(callback, state, dueTime, period);

    public void Advance(TimeSpan time) => _steady.Advance(time);
}
