using CsCheck;
using Relay.Memory;

namespace Server.Tests.Memory;

public sealed class MemoryBudgetTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly MemoryBudget _memory = new(100);

    [Fact]
    public async Task TakeAsync_NoRoom_WaitsForIt()
    {
        Assert.True(_memory.TryTake(80));
        var waiting = _memory.TakeAsync(30, CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        Assert.Equal((80, 1), (_memory.Used, _memory.Waiting));

        _memory.Release(10);
        Assert.True(await waiting.AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal((100, 0), (_memory.Used, _memory.Waiting));
    }

    [Fact]
    public async Task TryTake_SomebodyWaits_ComesAfterIt()
    {
        _memory.Add(80);
        var large = _memory.TakeAsync(30, CancellationToken.None);
        Assert.False(_memory.TryTake(1));
        var small = _memory.TakeAsync(1, CancellationToken.None);
        Assert.False(small.IsCompleted);

        _memory.Release(80);
        Assert.True(await large.AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.True(await small.AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal(31, _memory.Used);
    }

    [Fact]
    public async Task TakeAsync_Cancelled_TakesNothingAndLetsTheNextGo()
    {
        using var gone = new CancellationTokenSource();
        _memory.Add(80);
        var first = _memory.TakeAsync(30, gone.Token);
        var second = _memory.TakeAsync(20, CancellationToken.None);
        Assert.False(second.IsCompleted);

        await gone.CancelAsync();
        Assert.False(await first.AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.True(await second.AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal((100, 0), (_memory.Used, _memory.Waiting));
    }

    [Fact]
    public async Task TakeAsync_CancelledBefore_TakesNothing()
    {
        _memory.Add(100);
        Assert.False(await _memory.TakeAsync(1, new CancellationToken(canceled: true)));
        Assert.Equal((100, 0), (_memory.Used, _memory.Waiting));
    }

    [Fact]
    public void Add_MoreThanThereIs_IsReported()
    {
        var reports = 0;
        _memory.Exceeded += () => reports++;
        _memory.Add(100);
        Assert.Equal((0, false), (reports, _memory.IsExhausted));
        _memory.Add(1);
        Assert.Equal((1, false), (reports, _memory.IsExhausted));
        _memory.Add(101);
        Assert.Equal((2, true), (reports, _memory.IsExhausted));
    }

    // So much is made free that the next byte does not exceed it again, and what those who wait ask for up to a half.
    [Theory]
    [InlineData(100, 0, 12)]
    [InlineData(110, 0, 22)]
    [InlineData(90, 20, 10)]
    [InlineData(90, 90, 40)]
    public void Excess_UsedUp_IsAnEighthOrWhatIsWaitedFor(long used, long waitedFor, long expected)
    {
        _memory.Add(used);
        if (waitedFor > 0)
        {
            Assert.False(_memory.TakeAsync(waitedFor, CancellationToken.None).AsTask().IsCompleted);
        }

        Assert.Equal(expected, _memory.Excess);
    }

    [Theory]
    [InlineData(0, 384L << 20, 262_144, 48L << 20)]
    [InlineData(100, 384L << 20, 262_144, 100L << 20)]
    [InlineData(0, 0, 262_144, 2L << 20)]
    [InlineData(0, 384L << 20, 16 << 20, 128L << 20)]
    public void Of_Memory_IsAnEighthUnlessSetAndHoldsSomeMessages(int mebibytes, long memory, int maxMessageBytes, long expected) =>
        Assert.Equal(expected, MemoryBudget.Of(mebibytes, memory, maxMessageBytes).Limit);

    [Theory]
    [InlineData(1, 16)]
    [InlineData(16, 16)]
    [InlineData(17, 32)]
    [InlineData(262_144, 262_144)]
    [InlineData(262_145, 524_288)]
    public void SizeOf_Bytes_IsWhatThePoolRents(int bytes, int expected)
    {
        var memory = new MemoryBudget(1 << 20);
        var rented = memory.Rent(bytes);
        Assert.Equal((expected, expected, (long)expected), (MemoryBudget.SizeOf(bytes), rented.Length, memory.Used));
        memory.Return(rented);
        memory.Return(null);
        Assert.Equal(0, memory.Used);
    }

    /// <summary>Whatever is taken, waited for, cancelled and released, in whatever order and by however many threads: nothing is lost and no waiter forgotten.</summary>
    [Fact]
    public async Task Operations_OfManyThreads_LeaveNothing()
    {
        var memory = new MemoryBudget(1000);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 5000; i++)
            {
                var bytes = random.Next(1, 400);
                using var gone = new CancellationTokenSource();
                var taken = random.Next(3) switch
                {
                    0 => memory.TryTake(bytes),
                    1 => Cancelled(memory.TakeAsync(bytes, gone.Token), gone) is var taking && await taking.WaitAsync(Patience),
                    _ => await memory.TakeAsync(bytes, CancellationToken.None).AsTask().WaitAsync(Patience),
                };
                Assert.InRange(memory.Used, 0, memory.Limit);
                if (taken)
                {
                    memory.Release(bytes);
                }
            }
        })));
        Assert.Equal((0, 0, null), (memory.Used, memory.Waiting, memory.Oldest));
    }

    /// <summary>One thread, so that each outcome is known: what is granted is the longest prefix of those who wait that fits.</summary>
    [Fact]
    public void Operations_InAnyOrder_AreGrantedInOrderAndNeverAboveTheLimit() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[1, 60]).Array[1, 60].Sample(steps =>
        {
            var memory = new MemoryBudget(100);
            var held = new Queue<int>();
            var waiting = new Queue<(int Bytes, Task<bool> Taking)>();
            foreach (var (kind, bytes) in steps)
            {
                if (kind == 0 && held.TryDequeue(out var given))
                {
                    memory.Release(given);
                }
                else if (kind == 1 && memory.TryTake(bytes))
                {
                    Assert.Empty(waiting);
                    held.Enqueue(bytes);
                }
                else if (kind == 2)
                {
                    waiting.Enqueue((bytes, memory.TakeAsync(bytes, CancellationToken.None).AsTask()));
                }

                while (waiting.TryPeek(out var next) && memory.Waiting < waiting.Count)
                {
                    held.Enqueue(waiting.Dequeue().Bytes);
                }

                Assert.Equal(held.Sum(), memory.Used);
                Assert.InRange(memory.Used, 0, 100);
                Assert.True(!waiting.TryPeek(out var first) || memory.Used + first.Bytes > 100);
            }
        });

    private static Task<bool> Cancelled(ValueTask<bool> taking, CancellationTokenSource gone)
    {
        var task = taking.AsTask();
        gone.Cancel();
        return task;
    }
}
