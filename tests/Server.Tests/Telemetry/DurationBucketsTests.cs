using CsCheck;
using Relay.Telemetry;

namespace Server.Tests.Telemetry;

public sealed class DurationBucketsTests
{
    private readonly DurationBuckets _buckets = new(0.1, 0.2, 0.4);

    [Fact]
    public void Quantile_NothingMeasured_IsNone() => Assert.Null(Quantile(0.5));

    [Fact]
    public void Quantile_OneBucket_IsWithinIt()
    {
        Add(0.15, 0.15, 0.15, 0.15);

        Assert.Equal((150, 200), (Milliseconds(0.5), Milliseconds(1)));
    }

    // As in Prometheus: a bound is part of the bucket below it.
    [Fact]
    public void Add_ExactlyABound_IsBelowIt()
    {
        Add(0.1);

        Assert.Equal([1, 0, 0, 0], Counts());
    }

    [Fact]
    public void Quantile_LongerThanEveryBound_IsTheLastBound()
    {
        Add(0.01, 7, 8);

        Assert.Equal(400, Milliseconds(0.99));
    }

    /// <summary>Whatever was measured: the estimate lies in the bucket of the value that it estimates.</summary>
    [Fact]
    public void Quantile_AnyDurations_IsInTheBucketOfTheRealOne() => Gen.Select(Gen.Double[0, 0.4].Array[1, 50], Gen.Double[0.01, 1]).Sample((durations, part) =>
    {
        var buckets = new DurationBuckets(0.1, 0.2, 0.4);
        Array.ForEach(durations, buckets.Add);
        var counts = new long[4];
        buckets.CopyTo(counts);

        var real = durations.Order().ElementAt(Math.Max(0, (int)Math.Ceiling(part * durations.Length) - 1));
        var (from, to) = real <= 0.1 ? (0, 0.1) : real <= 0.2 ? (0.1, 0.2) : (0.2, 0.4);
        var estimated = buckets.Quantile(counts, part)!.Value.TotalSeconds;
        return estimated > from - 1e-6 && estimated < to + 1e-6;
    });

    private void Add(params double[] seconds) => Array.ForEach(seconds, _buckets.Add);

    private long[] Counts()
    {
        var counts = new long[4];
        _buckets.CopyTo(counts);
        return counts;
    }

    private TimeSpan? Quantile(double part) => _buckets.Quantile(Counts(), part);

    private int Milliseconds(double part) => (int)Math.Round(Quantile(part)!.Value.TotalMilliseconds);
}
