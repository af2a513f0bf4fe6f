namespace Relay.RateLimiting;

/// <summary>
/// A token bucket that fills while nobody looks: a value and a moment, no timer. Starts full. Not thread-safe; its owner
/// guards it. Whoever looks at several at once reads the clock once and gives them <c>now</c>.
/// </summary>
internal struct TokenBucket
{
    private const double SecondsPerTick = 1.0 / TimeSpan.TicksPerSecond;

    private double _taken;
    private long _last;

    /// <summary>A bucket of which so much is taken at that moment.</summary>
    public static TokenBucket Of(double taken, long now) => new() { _taken = taken > 0 ? taken : 0, _last = now };

    /// <summary>How much is taken of it.</summary>
    public readonly double TakenOf(double capacity, TimeSpan period, long now, TimeProvider time)
    {
        var bucket = this;
        bucket.Refill(capacity, period, now, time);
        return bucket._taken;
    }

    /// <summary>Takes <paramref name="amount"/> if there is that much; a bucket of <paramref name="capacity"/> refills wholly in <paramref name="period"/>.</summary>
    public bool TryTake(double amount, double capacity, TimeSpan period, TimeProvider time) =>
        TryTake(amount, capacity, period, time.GetTimestamp(), time);

    public bool TryTake(double amount, double capacity, TimeSpan period, long now, TimeProvider time)
    {
        Refill(capacity, period, now, time);
        ForgiveAbove(capacity);
        if (_taken + amount > capacity)
        {
            return false;
        }

        _taken += amount;
        return true;
    }

    /// <summary>How long until there is that much; zero when there is. Takes nothing.</summary>
    public TimeSpan WaitFor(double amount, double capacity, TimeSpan period, long now, TimeProvider time)
    {
        Refill(capacity, period, now, time);
        ForgiveAbove(capacity);
        return _taken + amount <= capacity ? TimeSpan.Zero : (_taken + amount - capacity) / capacity * period;
    }

    /// <summary>Takes what was just seen to be there.</summary>
    public void Take(double amount) => _taken += amount;

    /// <summary>True when nothing is taken: the bucket is as good as a new one.</summary>
    public bool IsFull(double capacity, TimeSpan period, long now, TimeProvider time)
    {
        Refill(capacity, period, now, time);
        return _taken == 0;
    }

    /// <summary>Takes the amount in any case and says how long it lasts until the bucket is out of debt; zero when it is not in debt.</summary>
    public TimeSpan Take(double amount, double capacity, TimeSpan period, long now, TimeProvider time)
    {
        Refill(capacity, period, now, time);
        _taken += amount;
        return _taken <= capacity ? TimeSpan.Zero : (_taken - capacity) / capacity * period;
    }

    private void Refill(double capacity, TimeSpan period, long now, TimeProvider time)
    {
        if (_taken > 0)
        {
            // One division, and no Math.Max, which is for numbers that may be none: this is done several times for each socket.
            var left = _taken - ((now - _last) * capacity / (period.Ticks * (time.TimestampFrequency * SecondsPerTick)));
            _taken = left > 0 ? left : 0;
        }

        _last = now;
    }

    // Taken while the bucket was larger is no debt of the smaller one.
    private void ForgiveAbove(double capacity)
    {
        if (_taken > capacity)
        {
            _taken = capacity;
        }
    }
}
