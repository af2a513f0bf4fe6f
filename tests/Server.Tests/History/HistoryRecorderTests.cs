using System.Runtime.CompilerServices;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.Admission;
using Relay.Events;
using Relay.History;
using Relay.Memory;
using Relay.Policy;
using Relay.Telemetry;
using Server.Tests.Admission;
using Server.Tests.Support;

namespace Server.Tests.History;

/// <summary>The samples of the last day: what is in them, how they are merged, and where there are none.</summary>
public sealed class HistoryRecorderTests : IDisposable
{
    private static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    private readonly RelayMetrics _metrics = new();
    private readonly Books _books = new(total: 5, perIp: 10);
    private readonly MemoryBudget _budget = new(1000);
    private readonly OverloadMonitor _overload;
    private readonly MemoryCeiling _memory;
    private readonly HistoryRecorder _history;
    private readonly SteppedTime _time;
    private long _resident;

    public HistoryRecorderTests()
    {
        _overload = new OverloadMonitor(
            _books.Ledger, _books.Policies, _books.Overload, new RelayEvents(_books.Time), _books.Time, new ListLogger<OverloadMonitor>(), () => TimeSpan.Zero);
        _memory = new MemoryCeiling(
            _books.Ledger, _books.Policies, _books.Options, _budget, NullLogger<MemoryCeiling>.Instance, () => new MemoryReading(0, 0, 0, 0) { Resident = _resident });
        _time = new SteppedTime(_books.Time);
        _history = new HistoryRecorder(_books.Ledger, _books.Policies, _overload, _memory, _budget, _metrics, _time);
    }

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public void Read_NothingSampledYet_IsEmpty()
    {
        var history = _history.Read(Quarter, 360);

        Assert.Empty(history.Samples);
        Assert.Equal(HistoryRecorder.Interval, history.Interval.ToTimeSpan());
    }

    [Fact]
    public void Sample_WhatHappenedInIt_IsASecondsShare()
    {
        for (var i = 0; i < 5; i++)
        {
            _books.Take(i);
        }

        for (var i = 0; i < 30; i++)
        {
            Assert.Equal(Refusal.TotalLimit, _books.Refused(7));
        }

        for (var i = 0; i < 20; i++)
        {
            _metrics.MessageSent(100, isForward: true);
            _metrics.MessageSent(100, isForward: false);
        }

        _metrics.Forwarded(TimeSpan.FromMicroseconds(15));
        _resident = 77;
        _memory.Look();
        _budget.Add(400);
        Tick();
        Tick();

        var history = _history.Read(Quarter, 360);
        Assert.Equal(2, history.Samples.Count);
        var (first, second) = (history.Samples[0], history.Samples[1]);
        Assert.Equal((0.5, 2), (first.AdmittedPerSecond, first.ForwardsPerSecond));
        Assert.Equal([("total_limit", 3)], first.Rejected.Select(row => (row.Reason, row.PerSecond)));
        Assert.Equal((5, 5, 5, 77, 1000, 400), (first.Clients, first.Limit, first.Ceiling, first.ResidentBytes, first.BudgetBytes, first.UsedBytes));
        Assert.InRange(first.ForwardP99.ToTimeSpan(), TimeSpan.FromMicroseconds(10), TimeSpan.FromMicroseconds(20));
        Assert.Equal((0, 0, 5), (second.AdmittedPerSecond, second.ForwardsPerSecond, second.Clients));
        Assert.Empty(second.Rejected);
        Assert.Null(second.ForwardP50);
        Assert.Equal(_books.Time.GetUtcNow(), second.At.ToDateTimeOffset());
        Assert.Equal(HistoryRecorder.Interval, second.At.ToDateTimeOffset() - first.At.ToDateTimeOffset());
    }

    [Fact]
    public void Sample_LimitAndCeilingChange_AreThoseOfTheMoment()
    {
        Tick();
        _books.Change(("total", "50"));
        _books.Ledger.SetCeiling(byMemory: 20);
        Tick();

        Assert.Equal([(5, 5), (50, 20)], _history.Read(Quarter, 360).Samples.Select(sample => ((int)sample.Limit, (int)sample.Ceiling)));
    }

    // Nothing is made up for the time in which the relay did not run.
    [Fact]
    public void Sample_AfterAStandstill_IsOneSampleOverAllOfIt()
    {
        Tick();
        _books.Take(1);
        _books.Time.Advance(TimeSpan.FromSeconds(590));
        Tick();

        var samples = _history.Read(Quarter, 360).Samples;
        Assert.Equal(2, samples.Count);
        Assert.Equal(TimeSpan.FromMinutes(10), samples[1].At.ToDateTimeOffset() - samples[0].At.ToDateTimeOffset());
        Assert.Equal(1.0 / 600, samples[1].AdmittedPerSecond, 6);
    }

    [Fact]
    public void Read_ClockWasSetBack_IsWhatWasRecordedAfterThat()
    {
        for (var i = 0; i < 30; i++)
        {
            Tick();
        }

        _time.Step = TimeSpan.FromMinutes(-2);
        _books.Take(1);
        Tick();

        var samples = _history.Read(Quarter, 360).Samples;
        var times = samples.Select(sample => sample.At.ToDateTimeOffset()).ToList();
        Assert.Equal(times.Distinct().Order(), times);
        Assert.Equal(_time.GetUtcNow(), times[^1]);
        Assert.Equal(1, samples[^1].Clients);
        Assert.Equal(19, samples.Count);
    }

    [Fact]
    public void Read_LongerThanADay_KeepsTheLastDayInItsMemory()
    {
        for (var i = 0; i < SampleRing.Capacity + 100; i++)
        {
            Tick();
        }

        var samples = _history.Read(Day, SampleRing.Capacity).Samples;
        Assert.Equal(SampleRing.Capacity, samples.Count);
        Assert.Equal(_books.Time.GetUtcNow(), samples[^1].At.ToDateTimeOffset());
        Assert.Equal(91, _history.Read(Quarter + TimeSpan.FromSeconds(10), 360).Samples.Count);
    }

    [Fact]
    public void Memory_OfAllThatIsKept_IsAtMostEightMebibytes()
    {
        // Each mark has three texts, each an object with two bytes for a character, and a few words of its own.
        const int MarkBytes = (3 * (32 + (2 * HistoryMarks.MaxText))) + 128;

        Assert.InRange(((long)Unsafe.SizeOf<Relay.History.HistorySample>() * SampleRing.Capacity) + (HistoryMarks.Capacity * MarkBytes), 1 << 20, 8 << 20);
    }

    [Fact]
    public void Room_ForReasonsAndBuckets_Suffices()
    {
        Assert.InRange(Rejections.Count, 1, RefusedByReason.Length);
        Assert.InRange(_metrics.ForwardTimes.Bounds.Count + 1, 1, CountByBucket.Length);
    }

    // Jumps of a test's clock over hours, and a relay that has better things to do.
    [Fact]
    public void Sample_EachOfThousands_AllocatesNextToNothing()
    {
        Tick();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 300; i++)
        {
            Tick();
        }

        // But for the hour that the ring grows by, and what the clock takes.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (2 * 360 * Unsafe.SizeOf<Relay.History.HistorySample>()) + (300 * 2_000));
    }

    [Fact]
    public void Read_Merged_HasTheHighestAndTheSums()
    {
        _books.Time.SetUtcNow(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        for (var i = 0; i < 60; i++)
        {
            if (i == 10)
            {
                using var lease = _books.Take(1);
                Tick();
            }
            else
            {
                Tick();
            }
        }

        var history = _history.Read(TimeSpan.FromMinutes(10), 10);
        Assert.Equal(TimeSpan.FromSeconds(70), history.Interval.ToTimeSpan());
        Assert.InRange(history.Samples.Count, 9, 10);
        Assert.Equal(1, history.Samples.Max(sample => sample.Clients));
        Assert.Single(history.Samples, sample => sample.AdmittedPerSecond > 0);
    }

    /// <summary>Whatever is asked for at whatever moment: as many as asked at most, in order, and merged samples stay the same from one question to the next.</summary>
    [Fact]
    public void Read_AnySpanAndNumber_IsBoundedAndStable()
    {
        var random = new Random(7);
        for (var i = 0; i < 2_000; i++)
        {
            _books.Take(i).Dispose();
            Tick(TimeSpan.FromMilliseconds(10_000 + random.Next(20)));
        }

        Gen.Select(Gen.Int[60, 24 * 3600], Gen.Int[10, 8640]).Sample((seconds, max) =>
        {
            var now = _books.Time.GetUtcNow();
            var history = _history.Read(TimeSpan.FromSeconds(seconds), max);
            var times = history.Samples.Select(sample => sample.At.ToDateTimeOffset()).ToList();
            var interval = history.Interval.ToTimeSpan();
            Assert.InRange(times.Count, 1, max);
            Assert.Equal(times.Distinct().Order(), times);
            Assert.True(times[0] > now - TimeSpan.FromSeconds(seconds) - interval && times[^1] <= now);

            // Ten seconds later only the ends are others.
            Tick();
            Assert.Empty(history.Samples.Skip(1).SkipLast(1).Except(_history.Read(TimeSpan.FromSeconds(seconds), max).Samples));
            Assert.All(history.Samples, sample => Assert.InRange(sample.AdmittedPerSecond, 0, 0.1001));
        }, iter: 60, threads: 1);
    }

    [Fact]
    public void Sample_LevelRoseInBetween_IsTheHighest()
    {
        _history.Mark(Told(new OverloadLevelChanged(OverloadLevel.Normal, OverloadLevel.Critical, 9_000, 1)));
        Tick();
        Tick();

        Assert.Equal(["critical", "normal"], _history.Read(Quarter, 360).Samples.Select(sample => sample.Level));
    }

    [Fact]
    public void Sample_LevelIsPinned_IsThatLevel()
    {
        _books.Change(("overload-level", "elevated"));
        _history.Mark(Told(new OverloadLevelChanged(OverloadLevel.Normal, OverloadLevel.Critical, 9_000, 1)));
        Tick();

        Assert.Equal("elevated", Assert.Single(_history.Read(Quarter, 360).Samples).Level);
    }

    private PublishedEvent Told(RelayEvent happened) => new(1, _books.Time.GetUtcNow(), happened);

    private void Tick(TimeSpan? after = null)
    {
        _books.Time.Advance(after ?? HistoryRecorder.Interval);
        _history.Sample();
    }

    /// <summary>A wall clock that somebody sets; the monotonic one goes on.</summary>
    private sealed class SteppedTime(TimeProvider inner) : TimeProvider
    {
        public TimeSpan Step { get; set; }

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + Step;

        public override long GetTimestamp() => inner.GetTimestamp();
    }
}
