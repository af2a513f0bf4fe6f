using Microsoft.Extensions.Time.Testing;
using Relay.RateLimiting;

namespace Server.Tests.Limits;

public sealed class TokenBucketTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly FakeTimeProvider _time = new();
    private TokenBucket _bucket;

    [Fact]
    public void TryTake_New_IsFull()
    {
        Assert.True(_bucket.TryTake(10, 10, Minute, _time));
        Assert.False(_bucket.TryTake(1, 10, Minute, _time));
    }

    [Fact]
    public void TryTake_AfterATenthOfThePeriod_HasATenth()
    {
        _bucket.TryTake(10, 10, Minute, _time);
        _time.Advance(TimeSpan.FromSeconds(5.9));
        Assert.False(_bucket.TryTake(1, 10, Minute, _time));
        _time.Advance(TimeSpan.FromSeconds(0.2));

        Assert.True(_bucket.TryTake(1, 10, Minute, _time));
        Assert.False(_bucket.TryTake(1, 10, Minute, _time));
    }

    [Fact]
    public void TryTake_AfterALongTime_HasNoMoreThanItsSize()
    {
        _bucket.TryTake(10, 10, Minute, _time);
        _time.Advance(TimeSpan.FromDays(1));

        Assert.False(_bucket.TryTake(10.5, 10, Minute, _time));
        Assert.True(_bucket.TryTake(10, 10, Minute, _time));
    }

    [Fact]
    public void WaitFor_BucketWasLargerBefore_IsNotInDebt()
    {
        _bucket.TryTake(150, 200, TimeSpan.FromSeconds(10), _time);

        Assert.Equal(TimeSpan.FromSeconds(1), _bucket.WaitFor(1, 10, TimeSpan.FromSeconds(10), _time.GetTimestamp(), _time));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_bucket.TryTake(1, 10, TimeSpan.FromSeconds(10), _time));
    }

    [Fact]
    public void Take_MoreThanThereIs_TellsHowLongTheDebtLasts()
    {
        Assert.Equal(TimeSpan.Zero, _bucket.Take(10, 10, Minute, _time.GetTimestamp(), _time));
        Assert.Equal(TimeSpan.FromSeconds(30), _bucket.Take(5, 10, Minute, _time.GetTimestamp(), _time));
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.FromSeconds(6), _bucket.Take(1, 10, Minute, _time.GetTimestamp(), _time));
    }
}
